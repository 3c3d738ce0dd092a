# Completes flags, their values and files of this project's scripts in zsh, as completion.sh does in
# bash. In ~/.zshrc, with the path of this file, or in a terminal:
#
#     source scripts/completion.zsh

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
typeset -g _sentiment_top=${${(%):-%x}:A:h:h}
typeset -gA _sentiment_completers  # the function that tyro wrote for a script, by the script's path
typeset -gA _sentiment_before=(${(kv)_comps[(I)python|python3|ipython|bash]})

_sentiment() {
  local at script text
  for ((at = 2; at < CURRENT; at++)); do
    [[ $words[at] == *.(py|sh) ]] && break
  done
  script=${${words[at]/#\~/$HOME}:A}
  script=${script/%.sh/.py}  # run_all.sh takes the flags of run_all.py
  if ((at >= CURRENT)) || [[ $script != $_sentiment_top/* || ! -f $script ]]; then
    ${_sentiment_before[$service]:-_default}
    return
  fi
  if [[ -z $_sentiment_completers[$script] ]]; then
    text=$(python $script --tyro-print-completion zsh 2>/dev/null) || return
    # Of a help of several lines each would be taken for a word.
    text=$(sed '/^COMPLETION_SPEC/s/\\n/ /g' <<<$text)
    eval ${text%$'\n'*}  # the last line calls what the others define
    _sentiment_completers[$script]=${${text##*$'\n'}%% *}
  fi
  [[ $words[at+1] == -- ]] && ((at+1 < CURRENT)) && ((at++))  # IPython's
  words=($script "${(@)words[at+1,-1]}")
  ((CURRENT -= at - 1))
  $_sentiment_completers[$script]
}

compdef _sentiment python python3 ipython bash
