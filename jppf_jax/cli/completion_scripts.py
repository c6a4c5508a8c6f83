"""Completion scripts for shells. They hold every word, so that completing starts no Python."""

from collections.abc import Callable, Iterable, Sequence

from jppf_jax.cli.completion_words import Option, Values, Verb

GENERAL = ("help", "--help", "--version")  # beside the verbs
HELP = Option("help", "what the verb does, and its flags", "", Values())

_BASH = r"""# Completes the words behind jppf in bash.
_jppf() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}
  local flag= prefix= words= paths= line
  COMPREPLY=()
  if [[ $word == = ]]; then  # bash takes --flag=value apart
    flag=$before word=
  elif [[ $before == = ]]; then
    flag=${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $word == --*=* ]]; then  # if it is told not to
    flag=${word%%=*} prefix=${word%%=*}= word=${word#*=}
  elif [[ $before == --* ]]; then
    flag=$before
  fi
  if [[ $COMP_CWORD == 1 ]]; then
    words='@general@'
  else
    case "$verb $flag" in
@values@
      *)
        case $verb in
@arguments@
        esac
        if [[ $word == -* || -z $words$paths ]]; then
          paths=
          case $verb in
@flags@
          esac
        fi ;;
    esac
  fi
  while IFS= read -r line; do
    COMPREPLY+=("$prefix$line")
  done < <(
    compgen -W "$words" -- "$word"
    if [[ $paths == folders ]]; then compgen -d -- "$word"; fi
    if [[ $paths == files ]]; then compgen -f -- "$word"; fi
  )
  if [[ -n $paths ]]; then compopt -o filenames 2>/dev/null; fi
  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
  return 0
}
complete -F _jppf jppf
"""

_ZSH = r"""#compdef jppf
# Completes the words behind jppf in zsh.
_jppf_values() {  # known words, which paths
  local found=1
  if [[ -n $1 ]]; then compadd -- ${=1} && found=0; fi
  case $2 in
    files) _files && found=0 ;;
    folders) _files -/ && found=0 ;;
  esac
  return $found
}

_jppf() {
  local -a verbs
  verbs=(
@verbs@
  )
  if (( CURRENT == 2 )); then
    _describe verb verbs
    compadd -- @general@
    return
  fi
  local verb=$words[2]
  shift words
  (( CURRENT-- ))
  case $verb in
@cases@
  esac
}

if [[ $funcstack[1] == _jppf ]]; then
  _jppf "$@"
else
  compdef _jppf jppf
fi
"""

_FISH = r"""# Completes the words behind jppf in fish.
function __jppf_is
  set -l words (commandline -opc)
  test (count $words) -ge 2; and contains -- $words[2] $argv
end
function __jppf_first
  test (count (commandline -opc)) -eq 1
end
complete -c jppf -f
"""


def bash(verbs: Sequence[Verb]) -> str:
  """Returns the script for bash."""
  places: dict[Values, list[str]] = {}
  for verb in verbs:
    for option in verb.options:
      if option.kind:
        places.setdefault(option.values, []).append(f"'{verb.name} --{option.name}'")
  names = " ".join(verb.name for verb in verbs)
  by_values = [_bash_case("      ", "|".join(at), values) for values, at in places.items()]
  by_values.append(_bash_case("      ", "'help '", Values(tuple(names.split()))))
  arguments = [_bash_case(" " * 10, verb.name, verb.arguments) for verb in verbs]
  flags = [_bash_case(" " * 12, verb.name, Values(tuple(_forms(verb)))) for verb in verbs]
  return _filled(
    _BASH,
    general=f"{names} {' '.join(GENERAL)}",
    values="\n".join(by_values),
    arguments="\n".join(arguments),
    flags="\n".join(flags),
  )


def zsh(verbs: Sequence[Verb]) -> str:
  """Returns the script for zsh; it can be sourced, or lie as `_jppf` in a folder of `$fpath`."""
  described = [f"    {_quoted(f'{verb.name}:{verb.meaning}')}" for verb in verbs]
  cases = [f"    {verb.name}) _arguments {' '.join(_zsh_specs(verb))} ;;" for verb in verbs]
  cases.append("    help) _describe verb verbs ;;")
  general = " ".join(GENERAL)
  return _filled(_ZSH, verbs="\n".join(described), general=general, cases="\n".join(cases))


def fish(verbs: Sequence[Verb]) -> str:
  """Returns the script for fish."""
  lines = [
    _fish_line("__jppf_first", f"-a {verb.name} -d {_quoted(verb.meaning)}") for verb in verbs
  ]
  lines.append(_fish_line("__jppf_first", f"-a {_quoted(' '.join(GENERAL))}"))
  names = " ".join(verb.name for verb in verbs)
  lines.append(_fish_line("__jppf_is help", f"-a {_quoted(names)}"))
  for verb in verbs:
    condition = f"__jppf_is {verb.name}"
    if verb.arguments != Values():
      lines.append(_fish_line(condition, _fish_values(verb.arguments)))
    for option in (*verb.options, HELP):
      lines.extend(_fish_line(condition, text) for text in _fish_forms(option))
  return _FISH + "\n".join(lines) + "\n"


SCRIPTS: dict[str, Callable[[Sequence[Verb]], str]] = {"bash": bash, "zsh": zsh, "fish": fish}


def _bash_case(indent: str, place: str, values: Values) -> str:
  """Returns what is suggested at a place, as one case."""
  settings = []
  if values.words:
    settings.append(f"words='{' '.join(values.words)}'")
  if values.paths:
    settings.append(f"paths={values.paths}")
  return f"{indent}{place}) {' '.join([*settings, ';;'])}"


def _forms(verb: Verb) -> Iterable[str]:
  """Yields how the flags of a verb are typed."""
  for option in (*verb.options, HELP):
    yield f"--{option.name}{'=' if option.kind else ''}"
    if not option.kind and option is not HELP:
      yield f"--no{option.name}"


def _zsh_specs(verb: Verb) -> Iterable[str]:
  """Yields the flags and the arguments of a verb as zsh's `_arguments` has them."""
  for option in (*verb.options, HELP):
    meaning = option.meaning
    for sign in "[]":
      meaning = meaning.replace(sign, f"\\{sign}")
    if option.kind:
      action = f": _jppf_values {_zsh_values(option.values)}"
      yield _quoted(f"--{option.name}=[{meaning}]:{option.name}{action}")
      continue
    yield _quoted(f"--{option.name}[{meaning}]")
    if option is not HELP:
      yield _quoted(f"--no{option.name}[not: {meaning}]")
  if verb.arguments != Values():
    yield _quoted(f"*:argument: _jppf_values {_zsh_values(verb.arguments)}")


def _zsh_values(values: Values) -> str:
  return f'"{" ".join(values.words)}" "{values.paths}"'


def _fish_line(condition: str, text: str) -> str:
  return f"complete -c jppf -n {_quoted(condition)} {text}"


def _fish_forms(option: Option) -> Iterable[str]:
  """Yields the forms of a flag as fish's `complete` has them."""
  meaning = f"-d {_quoted(option.meaning)}"
  if option.kind:
    yield f"-l {option.name} -r {_fish_values(option.values)} {meaning}"
    return
  yield f"-l {option.name} {meaning}"
  if option is not HELP:
    yield f"-l no{option.name} {meaning}"


def _fish_values(values: Values) -> str:
  words = list(values.words)
  if values.paths == "folders":
    words.append("(__fish_complete_directories)")
  listed = f" -a {_quoted(' '.join(words))}" if words else ""
  return f"{'-F' if values.paths == 'files' else '-f'}{listed}"


def _quoted(text: str) -> str:
  """Returns a text in single quotes, as all three shells read it."""
  return "'" + text.replace("'", "'\"'\"'") + "'"


def _filled(template: str, **places: str) -> str:
  for name, text in places.items():
    template = template.replace(f"@{name}@", text)
  return template
