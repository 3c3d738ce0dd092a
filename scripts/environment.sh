# Sourced by demo.sh, run_all.sh and test.sh: a virtual environment in .venv with the files of
# requirements that are given, made on the first call and again whenever one of them has changed.
#
#     source scripts/environment.sh requirements.txt [tests/requirements.txt]

find_python() {
  local name in_range='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
  # The versions first that the pinned packages were tested with.
  for name in python3.11 python3.12 python3.13 python3 python; do
    if "$name" -c "$in_range" 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "error: no Python from 3.11 to 3.13 on the PATH; install one" >&2
  return 1
}

make_environment() {
  local python wanted count
  wanted=$(cat "$@" | cksum)
  if [ "$(cat .venv/installed-"$#" 2>/dev/null)" != "$wanted" ]; then
    python=$(find_python)
    echo "Installing $* into .venv; the first time takes a minute or more ..."
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --no-compile --disable-pip-version-check $(printf -- '-r %s ' "$@")
    # On all cores, which pip does not, and without what the packages' own tests need.
    .venv/bin/python -m compileall -q -j 0 -x '/(tests?|testing)/' .venv/lib
    for ((count = 1; count <= $#; count++)); do  # the first files alone are installed, too
      cat "${@:1:count}" | cksum > .venv/installed-"$count"
    done
  fi
}

make_environment "$@"
export PATH="$PWD/.venv/bin:$PATH"
