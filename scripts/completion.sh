# Lets bash complete the flags, their values and files of this project's scripts. In ~/.bashrc, with
# the path of this file, or in a terminal:
#
#     source scripts/completion.sh
#
# It completes `python scripts/serve.py --<Tab>`, `ipython src/... -- --<Tab>` and
# `bash scripts/run_all.sh --<Tab>`; elsewhere these complete files.

_sentiment_top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
declare -A _sentiment_completers  # what tyro wrote for a script, by the script's path

_sentiment() {
  local at script text
  COMPREPLY=()
  for ((at = 1; at < COMP_CWORD; at++)); do
    [[ ${COMP_WORDS[at]} == *.@(py|sh) ]] && break
  done
  ((at < COMP_CWORD)) || return
  script=$(realpath -qe -- "${COMP_WORDS[at]/#\~/$HOME}")
  script=${script/%.sh/.py}  # run_all.sh takes the flags of run_all.py
  [[ $script == "$_sentiment_top"/* && -e $script ]] || return
  if [[ -z ${_sentiment_completers[$script]} ]]; then
    text=$(python "$script" --tyro-print-completion bash 2>/dev/null) || return
    eval "$text"
    _sentiment_completers[$script]=$(grep -om1 '^_tyro_[A-Za-z0-9_]*' <<<"$text")
  fi
  [[ ${COMP_WORDS[at + 1]} == -- && at+1 -lt COMP_CWORD ]] && ((at++))  # IPython's
  local COMP_WORDS=("$script" "${COMP_WORDS[@]:at + 1}") COMP_CWORD=$((COMP_CWORD - at))
  "${_sentiment_completers[$script]}"
  # A help of several lines gives words that are none; where a file is wanted, bash's own completion
  # knows folders and odd names.
  local word found=("${COMPREPLY[@]}")
  COMPREPLY=()
  for word in "${found[@]}"; do
    [[ -n $word && $word == "${COMP_WORDS[COMP_CWORD]}"* && $word != *' '* && ! -e $word ]] &&
      COMPREPLY+=("$word")
  done
}

complete -o default -F _sentiment python python3 ipython bash
