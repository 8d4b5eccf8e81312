"""`completion`: what a shell needs to complete commands, flags and keys of jobs.

A prompt gets the keys that were seen last, from a file; what is older than some minutes is read
anew behind it. Nothing that goes wrong there is told: a prompt is no place for it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketing_analytics.core.commands import COMPLETE_VARIABLE, Command, beside

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

MAX_AGE_SECONDS = 300.0
# how long nobody asks again when the keys cannot be read
ASK_AGAIN_SECONDS = 60.0
SHELLS = ("bash", "zsh", "fish", "powershell")
PACKAGE = "marketing_analytics"


@click.command(cls=Command, examples=["bash", "zsh"])
@click.argument("shell", type=click.Choice(SHELLS))
def completion(shell: str) -> None:
    """Print the script that completes words in a shell."""
    from marketing_analytics.core.console import Console
    from marketing_analytics.jobs.commands.options import execute

    def body(console: Console) -> None:
        name, words = program_words()
        script = script_of(shell, name, words, beside("completion"))
        console.line(script.removesuffix("\n"))

    execute(False, body)


def program_words() -> tuple[str, list[str]]:
    """Return the name to complete, and the words that start this program from anywhere."""
    typed = Path(sys.argv[0])
    if typed.name == "__main__.py":
        return "marketing", [sys.executable, "-m", PACKAGE]
    if typed.suffix == ".py":
        return typed.stem, [sys.executable, str(typed.resolve())]
    found = shutil.which(typed.name)
    is_on_path = found and typed.exists() and Path(found).samefile(typed)
    return typed.name, [typed.name] if is_on_path else [str(typed.absolute())]


def script_of(shell: str, name: str, words: Sequence[str], again: str) -> str:
    """Return the script of a shell. A name that is no program becomes a function.

    `again` are the words of the command that prints the script, in front of the shell.
    """
    is_function = list(words) != [name]
    quote = quoted_for_powershell if shell == "powershell" else shlex.quote
    call = " ".join(map(quote, words))
    parts = [HEADS[shell]]
    if is_function:
        parts.append(FUNCTIONS[shell])
    parts.append(SCRIPTS[shell])
    text = "\n".join(parts)
    facts = {
        "@AGAIN@": again,
        "@NAME@": name,
        "@CALL@": call,
        "@VARIABLE@": COMPLETE_VARIABLE,
        "@FUNCTION@": f"_{name.replace('-', '_').replace('.', '_')}_completion",
    }
    for sign, value in facts.items():
        text = text.replace(sign, value)
    return text


def quoted_for_powershell(word: str) -> str:
    """Return a word in quotes that PowerShell takes as it is."""
    doubled = word.replace("'", "''")
    return f"'{doubled}'"


HEADS = {
    "bash": '# add to ~/.bashrc: eval "$(@AGAIN@ bash)"',
    "zsh": '#compdef @NAME@\n# add to ~/.zshrc, after compinit: eval "$(@AGAIN@ zsh)"',
    "fish": "# add to ~/.config/fish/config.fish: @AGAIN@ fish | source",
    "powershell": "# add to $PROFILE: & @AGAIN@ powershell | Out-String | Invoke-Expression",
}
FUNCTIONS = {
    "bash": '@NAME@() { @CALL@ "$@"; }',
    "zsh": '@NAME@() { @CALL@ "$@"; }',
    "fish": "function @NAME@; @CALL@ $argv; end",
    "powershell": "function @NAME@ { & @CALL@ @args }",
}
SCRIPTS = {
    "bash": """@FUNCTION@() {
    local IFS=$'\\n' answer type value
    COMPREPLY=()
    answer=$(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD \\
        @VARIABLE@=bash_complete @CALL@ 2>/dev/null)
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<< "$answer"
}
complete -F @FUNCTION@ @NAME@
""",
    "zsh": """@FUNCTION@() {
    local -a answer plain described
    local type key about
    answer=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) \\
        @VARIABLE@=zsh_complete @CALL@ 2>/dev/null)}")
    for type key about in ${answer}; do
        case $type in
            plain) [[ $about == _ ]] && plain+=("$key") || described+=("$key:$about") ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#described )) && _describe '' described -U
    (( $#plain )) && compadd -U -a plain
    return 0
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    @FUNCTION@ "$@"
else
    compdef @FUNCTION@ @NAME@
fi
""",
    "fish": """function @FUNCTION@
    set -lx @VARIABLE@ fish_complete
    set -lx COMP_WORDS (commandline -cp)
    set -lx COMP_CWORD (commandline -t)
    for line in (@CALL@ 2>/dev/null)
        set -l parts (string split -m 1 "," -- $line)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command @NAME@ --arguments "(@FUNCTION@)"
""",
    "powershell": """Register-ArgumentCompleter -Native -CommandName @NAME@ -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object {
        $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.Extent.Text })
    if ($wordToComplete -eq '') { $words += '' }
    $env:COMP_WORDS = $words -join "`n"
    $env:COMP_CWORD = $words.Count - 1
    $env:@VARIABLE@ = 'bash_complete'
    try {
        & @CALL@ 2>$null | ForEach-Object {
            $type, $value = $_ -split ',', 2
            if ($type -eq 'plain') {
                [System.Management.Automation.CompletionResult]::new($value, $value,
                    'ParameterValue', $value)
            }
        }
    } finally {
        Remove-Item Env:@VARIABLE@, Env:COMP_WORDS, Env:COMP_CWORD
    }
}
""",
}


# at the prompt


def complete_keys(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem[str]]:
    """Return the keys of the team's jobs that begin so; shared ones only where that is asked."""
    try:
        return items_of(context, incomplete)
    except Exception:
        # whatever it is, the next command tells it better than a prompt
        return []


def items_of(context: click.Context, incomplete: str) -> list[CompletionItem[str]]:
    """Return the known keys, and let them be read anew where they are old."""
    from click.shell_completion import CompletionItem

    from marketing_analytics.jobs.runs.known import cache_path, read_known
    from marketing_analytics.jobs.settings import DEFAULT_TEAM, normalize_host

    def setting(flag: str, name: str) -> str:
        return str(context.params.get(flag) or os.environ.get(name, "")).strip()

    account = setting("account_id", "DBTCLOUD_ACCOUNT_ID")
    project = setting("project_id", "PROJECT_ID")
    if not (account.isdigit() and project.isdigit()):
        return []
    host = normalize_host(setting("host_url", "DBTCLOUD_HOST_URL"))
    path = cache_path(host, int(account), int(project))
    known, age_seconds = read_known(path)
    if age_seconds > MAX_AGE_SECONDS:
        read_anew(path, {"host-url": host, "account-id": account, "project-id": project})
    team = setting("team", "TEAM_NAME") or DEFAULT_TEAM
    is_shared = bool(context.params.get("is_shared"))
    keys = {k.key for k in known if k.team == team and bool(k.branch) != is_shared}
    return [CompletionItem(key) for key in sorted(keys) if key.startswith(incomplete)]


def read_anew(path: Path, flags: dict[str, Any]) -> None:
    """Let a process of its own read the keys, unless one was asked a minute ago."""
    import subprocess

    asked = path.with_suffix(".asked")
    with contextlib.suppress(OSError):
        if time.time() - asked.stat().st_mtime < ASK_AGAIN_SECONDS:
            return
    if not os.environ.get("DBTCLOUD_TOKEN", "").strip():
        return
    asked.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    asked.touch(mode=0o600)
    given = [word for name, value in flags.items() for word in (f"--{name}", value)]
    environment = {k: v for k, v in os.environ.items() if k != COMPLETE_VARIABLE}
    subprocess.Popen(
        [sys.executable, "-m", PACKAGE, "jobs", "list", "--all-environments", "--json", *given],
        # where the package is, installed or not
        cwd=Path(__file__).resolve().parents[3],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
