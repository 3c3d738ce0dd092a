"""Tables of posts in the forms that people have them in."""

import json
from pathlib import Path

import pandas as pd
import pytest
from helpers import posts as made

from sentiment.base.errors import UserError
from sentiment.cross_media.columns import Columns
from sentiment.cross_media.posts import Post, Posts
from sentiment.cross_media.written_set import names


def read(file: Path, **columns: str) -> list[Post]:
    return list(Posts(file, file.parent, Columns(**columns)))


def test_several_photos_of_a_post_in_every_form(tmp_path: Path) -> None:
    expected = ("a/1.jpg", "my, own/2.jpeg", "3;.png")
    fields = {
        "list.csv": json.dumps(expected),
        "semicolons.csv": "a/1.jpg; my, own/2.jpeg;3;.png",
        "pipes.tsv": " | ".join(expected),
    }
    for name, field in fields.items():
        table = pd.DataFrame({"TWID": ["7"], "full_text": ["hello"], "Photos": [field]})
        table.to_csv(tmp_path / name, index=False, sep="\t" if name.endswith("tsv") else ",")
    objects = pd.DataFrame({"id": [7], "text": ["hello"], "media": [list(expected)]})
    objects.to_json(tmp_path / "lines.jsonl", orient="records", lines=True)
    objects.to_parquet(tmp_path / "table.parquet")
    for file in [*fields, "lines.jsonl", "table.parquet"]:
        assert [(post.id, post.text, post.photos) for post in read(tmp_path / file)] == [
            ("7", "hello", expected)
        ], file
    rooted = pd.DataFrame({"id": ["7"], "text": [""], "photo": [f"{tmp_path}/a/1.jpg"]})
    rooted.to_csv(tmp_path / "rooted.csv", index=False)
    assert read(tmp_path / "rooted.csv")[0].photos == ("a/1.jpg",)
    rooted.assign(photo="../1.jpg").to_csv(tmp_path / "rooted.csv", index=False)
    with pytest.raises(UserError, match=r"rooted.csv:2: '../1.jpg' is not a path inside"):
        read(tmp_path / "rooted.csv")


@pytest.mark.parametrize("below", ["data", ""])
def test_the_raw_release_needs_no_column_of_photos(below: str, tmp_path: Path) -> None:
    for name in ("758012345-1", "758012345-2", "758019999-0"):
        made.photo(tmp_path / below / "75801" / f"{name}.jpg", 1)
    rows = [["758012345", "two"], ["758019999", "one"], ["758010000", "none"]]
    file = made.write(tmp_path / "raw_tweets_text.csv", rows, ("id", "text"))
    start = f"{below}/75801" if below else "75801"
    assert [post.photos for post in read(file)] == [
        (f"{start}/758012345-1.jpg", f"{start}/758012345-2.jpg"),
        (f"{start}/758019999-0.jpg",),
        (),
    ]


def test_optional_columns_and_what_the_text_tells_without_them(tmp_path: Path) -> None:
    columns = ("id", "text", "photo", "lang", "user", "in_reply_to_status_id", "retweeted_status")
    rows = [
        ["1", "RT @a: look @b, https://t.co/x\nhttps://t.co/y", "", "en-GB", "me", "", ""],
        ["2", "plain", "", "und", "", "123", "{'id': 5}"],
        ["3", "@a hello", "", "", "", "nan", "False"],
    ]
    told = read(made.write(tmp_path / "told.csv", rows, columns))
    assert told[0].text == "RT @user look @user http http"
    assert [(p.language, p.author, p.is_reply, p.is_repost) for p in told] == [
        ("en", "me", False, False), ("und", "", True, True), ("", "", False, False)
    ]  # fmt: skip
    read_off = read(made.write(tmp_path / "text.csv", [row[:3] for row in rows], columns[:3]))
    assert [(p.is_reply, p.is_repost) for p in read_off] == [
        (False, True), (False, False), (True, False)
    ]  # fmt: skip
    assert read(tmp_path / "told.csv", author_column="lang")[0].author == "en-GB"
    with pytest.raises(UserError, match="no column who; it has id, text, photo"):
        read(tmp_path / "told.csv", author_column="who")


def test_names_hold_the_id_and_those_of_b_t4sa_stay() -> None:
    assert names("758012345", ("data/75801/758012345-1.jpg",)) == ["75801/758012345-1.jpg"]
    assert names("12", ("x/12-1.jpg", "y z/12-4.JPG")) == ["x/12-1.jpg", "12/12-4.jpg"]
    assert names("123456", ("IMG 1.jpeg", "b", "c.p g")) == [
        "12345/123456-1.jpeg", "12345/123456-2.jpg", "12345/123456-3.jpg"
    ]  # fmt: skip
    assert names("7", ("a/7-1.jpg", "b/7-1.jpg")) == ["7/7-1.jpg", "7/7-2.jpg"]
    assert names("id", ("7.jpg",)) == ["id/id-1.jpg"]
