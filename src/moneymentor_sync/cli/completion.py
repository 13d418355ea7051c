"""What a shell offers on TAB: commands, options, files, and datasets by the configuration's names.

A shell's script (`mmsync --show-completion SHELL`) runs the command with `_MMSYNC_COMPLETE` set and the words that
stand before the cursor. What comes back is a line for each offer, the word and a tab and what it is; or one line,
`:files` or `:dirs`, where the shell itself knows better. Nothing is asked of a network, a database or a daemon,
and whatever goes wrong is no offer: nobody wants to read an error in the middle of a line.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typer import Context

VARIABLE = "_MMSYNC_COMPLETE"
SHELLS = ("bash", "zsh", "fish")
_PATHS = {"FILE": ":files", "DIR": ":dirs"}
"""By what the help calls a value."""

_BASH = """\
# bash completion for mmsync; as ~/.local/share/bash-completion/completions/mmsync it is loaded when it is needed
_mmsync() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default; return ;;
            :dirs) compopt -o dirnames; return ;;
        esac
        COMPREPLY+=("${line%%$'\\t'*}")
    done < <(_MMSYNC_COMPLETE=bash "${COMP_WORDS[0]/#\\~\\//$HOME/}" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _mmsync mmsync
"""
_ZSH = """\
#compdef mmsync
# zsh completion for mmsync; as a file _mmsync in a directory of $fpath it is loaded when it is needed
_mmsync() {
    local line
    local -a offers
    while IFS= read -r line; do
        case $line in
            :files) _files; return ;;
            :dirs) _files -/; return ;;
        esac
        offers+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
    done < <(_MMSYNC_COMPLETE=zsh "${(Q)words[1]/#\\~\\//$HOME/}" "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( $#offers )) && _describe -V mmsync offers
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _mmsync "$@"
else
    compdef _mmsync mmsync
fi
"""
_FISH = """\
# fish completion for mmsync; as ~/.config/fish/completions/mmsync.fish it is loaded when it is needed
function __mmsync_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l offers (env _MMSYNC_COMPLETE=fish $before "$current" 2>/dev/null)
    switch "$offers[1]"
        case :files
            __fish_complete_path "$current"
        case :dirs
            __fish_complete_directories "$current"
        case '*'
            printf '%s\\n' $offers
    end
end
complete -c mmsync -f -k -a '(__mmsync_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str) -> str:
    """What the shell is to run. Raises KeyError for a shell that is not among SHELLS."""
    return _SCRIPTS[shell]


def complete(shell: str, words: Sequence[str]) -> None:
    """Writes the offers for the last of the words, which is the one that is being typed."""
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere), suppress(Exception, SystemExit):
        lines = list(offers(joined(words) if shell == "bash" else list(words)))
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def joined(words: Sequence[str]) -> list[str]:
    """Bash breaks `--config=a.toml` in three."""
    found: list[str] = []
    for word in words:
        if word == "=" and found and found[-1].startswith("--"):
            continue
        found.append(word)
    return [*found, ""] if words and words[-1] == "=" else found


def offers(words: list[str]) -> Iterator[str]:
    """A line for each offer; one alone where the shell is to complete a path."""
    *before, current = words or [""]
    context, what, current = _parsed(before, current)
    path = _PATHS.get(getattr(what, "metavar", None) or "")
    if path is not None:
        yield path
        return
    for item in what.shell_complete(context, current):
        summary = (item.help or "").split("\n")[0].rstrip()
        yield f"{item.value}\t{summary}"


def _parsed(before: list[str], current: str) -> tuple[Any, Any, str]:
    """Click's context of a line, the command or parameter that is being typed, and what there is of it."""
    from importlib import import_module

    from typer.main import get_command

    from .app import registered

    try:  # Typer has a Click of its own, or in older versions the usual one
        click = import_module("typer._click.shell_completion")
    except ImportError:
        click = import_module("click.shell_completion")
    context = click._resolve_context(get_command(registered()), {}, "mmsync", before)
    what, current = click._resolve_incomplete(context, before, current)
    return context, what, current


def datasets(ctx: Context, incomplete: str) -> list[Any]:
    """The datasets of the configuration that this line names, less those that stand in it already."""
    from moneymentor_sync.adapters.environment import dataset_names

    config = ctx.params.get("config")
    there = set(ctx.params.get("datasets") or ())
    return [name for name in dataset_names(config) if name.startswith(incomplete) and name not in there]
