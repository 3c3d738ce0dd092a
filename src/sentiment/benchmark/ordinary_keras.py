"""Transfer learning as Keras' guide does it: a script that needs no part of this project.

Command:

    python src/sentiment/benchmark/ordinary_keras.py PHOTOS --network MobileNetV2 --out DIR

PHOTOS holds train, valid and test, with a folder a class in each. A new layer on the frozen network
learns first, then the whole network with a low rate, batch normalisation as in inference
(https://keras.io/guides/transfer_learning). Photos are decoded once, kept in memory and prefetched,
as that guide says. After each of the two, JSON says how many test photos the best epoch has right.
"""

import argparse
import json
from pathlib import Path

import keras
import tensorflow as tf

SIDE = 224


def main() -> None:
    """Train the new layer, then the whole network, and test both."""
    options = arguments()
    keras.utils.set_random_seed(1)
    train, validation, test = (
        photos(options.photos / split, options.batch_size) for split in ("train", "valid", "test")
    )
    classes = len([*(options.photos / "train").iterdir()])
    weights = None if options.weights == "none" else options.weights
    base = getattr(keras.applications, options.network)(
        input_shape=(SIDE, SIDE, 3), include_top=False, pooling="avg", weights=weights
    )
    base.trainable = False
    image = keras.Input((SIDE, SIDE, 3))
    pixels = keras.applications.imagenet_utils.preprocess_input(image, mode=options.preprocessing)
    features = base(pixels, training=False)
    network = keras.Model(image, keras.layers.Dense(classes, activation="softmax")(features))
    for number, (rate, epochs) in enumerate(zip(options.rates, options.epochs, strict=True)):
        if number:
            base.trainable = True
            for layer in base.layers:
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.trainable = False
        learn(network, train, validation, rate, epochs)
        network.save(options.out / f"ordinary_{number}.keras")
        _, accuracy = network.evaluate(test, verbose=0)
        n = int(test.unbatch().reduce(0, lambda count, _: count + 1))
        print(json.dumps({"test_photos": n, "correct": round(n * accuracy)}), flush=True)


def arguments() -> argparse.Namespace:
    """The words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--network", default="MobileNetV2", help="its name in keras.applications")
    parser.add_argument("--weights", default="imagenet", help="imagenet, none or a file")
    parser.add_argument("--preprocessing", default="tf", choices=("caffe", "tf", "torch"))
    parser.add_argument("--epochs", type=int, nargs=2, default=(15, 3))
    parser.add_argument("--rates", type=float, nargs=2, default=(0.03, 0.0001))
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the two models")
    return parser.parse_args()


def photos(folder: Path, batch_size: int) -> tf.data.Dataset:
    """Batches of photos, float32 (b, 224, 224, 3) from 0 to 255, and labels, int32 (b,)."""
    decoded = keras.utils.image_dataset_from_directory(
        folder, image_size=(SIDE, SIDE), batch_size=None, seed=1, verbose=False
    ).cache()
    if folder.name == "train":
        decoded = decoded.shuffle(1000, seed=1)
    return decoded.batch(batch_size).prefetch(tf.data.AUTOTUNE)


def learn(
    network: keras.Model,
    train: tf.data.Dataset,
    validation: tf.data.Dataset,
    rate: float,
    epochs: int,
) -> None:
    """Train, a tenth of the rate every 5 epochs, and keep the epoch of the best validation loss."""
    network.compile(
        optimizer=keras.optimizers.SGD(rate, momentum=0.9),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    network.fit(
        train,
        validation_data=validation,
        epochs=epochs,
        verbose=2,
        callbacks=[
            keras.callbacks.LearningRateScheduler(lambda epoch: rate * 0.1 ** (epoch // 5)),
            keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True),
        ],
    )


if __name__ == "__main__":
    main()
