# Sourced by demo.sh and test.sh: a virtual environment in .venv with the files of requirements
# that are given, made on the first call and again whenever one of them has changed.
#
#     source scripts/environment.sh requirements.txt [tests/requirements.txt]

find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11 python; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  echo "error: no Python 3.11 or newer on the PATH; install one" >&2
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
    for ((count = 1; count <= $#; count++)); do  # who asks for the first files alone has them too
      cat "${@:1:count}" | cksum > .venv/installed-"$count"
    done
  fi
}

make_environment "$@"
export PATH="$PWD/.venv/bin:$PATH"
