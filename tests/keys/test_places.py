"""The other places: a real ``pass`` with a throwaway key, commands that misbehave, nothing at all, foreign backends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from routerterm.config.keys.errors import VaultAbsent, VaultSlow
from routerterm.config.keys.key_manager import KeyManager
from routerterm.config.keys.system import SecretServiceVault
from routerterm.config.keys.values import KeyLocation
from routerterm.config.keys.vault import CommandVault, EnvironmentVault
from routerterm.config.schema import KeyRef
from routerterm.core.errors import VaultError
from routerterm.core.redact import secret_redactor
from routerterm.core.secret import Secret
from tests.keys.parts import GROQ, OPENAI, PASSPHRASE, keyring, opened

HERE = {"PATH": os.environ["PATH"]}


@pytest.fixture
def password_store(tmp_path: Path) -> dict[str, str]:
    """The environment of a person with a password store that holds ``llm/openai``."""
    if not (shutil.which("pass") and shutil.which("gpg")):
        pytest.skip("pass and gpg are not installed")
    home = tmp_path / "person"
    gnupg = home / ".gnupg"
    gnupg.mkdir(parents=True, mode=0o700)
    environ = HERE | {"HOME": str(home), "GNUPGHOME": str(gnupg), "PASSWORD_STORE_DIR": str(home / "store")}

    def run(*words: str, said: str = "") -> None:
        subprocess.run(words, env=environ, input=said, text=True, check=True, capture_output=True, timeout=60)

    run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "nobody@example.org", "default", "default", "never")
    run("pass", "init", "nobody@example.org")
    run("pass", "insert", "--multiline", "llm/openai", said=f"{OPENAI}\nuser: someone\n")
    yield environ  # type: ignore[misc]
    subprocess.run(["gpgconf", "--kill", "all"], env=environ, check=False, capture_output=True, timeout=30)


async def test_a_real_password_store(tmp_path: Path, password_store: dict[str, str]) -> None:
    source = keyring(
        tmp_path / "data",
        password_store,
        references={"openai": [KeyRef(ref="cmd:pass show llm/openai", label="pass")]},
        vaults={KeyLocation.COMMAND: CommandVault(password_store)},
    )
    assert [(key.label, key.secret) for key in await source.keys("openai")] == [("pass", Secret(OPENAI))]
    with pytest.raises(VaultError, match="llm/none is not in the password store"):
        CommandVault(password_store).get("pass show llm/none")


def run_python(code: str) -> str:
    return f'{sys.executable} -c "{code}"'


def test_no_shell_is_involved(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    key = CommandVault(HERE).get(f"echo $HOME; touch {trap} | cat `id`")
    assert key is not None
    assert key.reveal() == f"$HOME; touch {trap} | cat `id`"
    assert not trap.exists()


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    code = f"import subprocess,sys;p=subprocess.Popen(['sleep','600']);open('{child}','w').write(str(p.pid));p.wait()"
    with pytest.raises(VaultSlow, match="did not finish") as refused:
        CommandVault(HERE, limit=1.5).get(run_python(code))
    assert "agent" in refused.value.hint
    pid = int(child.read_text())
    deadline = time.monotonic() + 120
    while Path(f"/proc/{pid}").exists() and b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "its child still runs"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program-here x", "cannot be run"),
        (run_python("pass"), "printed nothing"),
        (run_python("raise SystemExit(7)"), "exit code 7"),
        ('echo "open', "open quotation mark"),
        (" ", "is empty"),
    ],
)
def test_a_command_that_gives_no_key_is_named(command: str, words: str) -> None:
    with pytest.raises(VaultError, match=words) as refused:
        CommandVault(HERE).get(command)
    assert refused.value.hint


def test_what_a_command_complains_of_shows_no_key_and_no_escape() -> None:
    code = f"import sys;sys.stderr.write('\\x1b[31mbad {GROQ}\\n');sys.exit(1)"
    with pytest.raises(VaultError) as refused:
        CommandVault(HERE).get(run_python(code))
    assert GROQ not in refused.value.message
    assert "\x1b" not in refused.value.message


def test_a_command_has_no_terminal_and_no_keys_of_ours(tmp_path: Path) -> None:
    secret_redactor.learn(OPENAI)
    out = tmp_path / "out"
    code = (
        "import os,sys;"
        f"open('{out}','w').write(str(dict(os.environ))+str(sys.stdin.read()));"
        "tty=os.path.exists('/dev/tty');"
        "\ntry: open('/dev/tty'); print('tty')"
        "\nexcept OSError: print('none-here')"
    )
    key = CommandVault({**HERE, "OPENAI_API_KEY": OPENAI, "OP_ACCOUNT": "x"}).get(run_python(code))
    assert key is not None
    assert key.reveal() == "none-here"
    assert OPENAI not in out.read_text()
    assert "OP_ACCOUNT" in out.read_text()


def test_read_only_places_refuse_to_be_written() -> None:
    for vault in (CommandVault(HERE), EnvironmentVault(HERE)):
        with pytest.raises(VaultError, match="cannot be written"):
            vault.set("x", Secret(OPENAI))
        with pytest.raises(VaultError, match="cannot be removed"):
            vault.delete("x")


def holding(folder: Path, text: str) -> list[str]:
    """The files that have a text in them."""
    return [str(file) for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


async def test_nothing_at_all(tmp_path: Path) -> None:
    """No D-Bus, no keyring, no variable: the vault is offered, nothing is stored before it is made."""
    service = SecretServiceVault()
    assert service.status().state == "absent"
    with pytest.raises(VaultAbsent):
        service.get("openai/default")
    manager = KeyManager(keyring(tmp_path))
    assert await manager.key_store.keys("openai") == ()
    place = await manager.place_for_new_keys()
    assert (place.place, place.state) == (KeyLocation.VAULT, "new")
    with pytest.raises(VaultError, match="locked"):
        await manager.add("openai", Secret(OPENAI))
    assert holding(tmp_path, OPENAI) == []
    await manager.unlock(KeyLocation.VAULT, PASSPHRASE)
    await manager.add("openai", Secret(OPENAI))
    assert [key.secret for key in await manager.key_store.keys("openai")] == [Secret(OPENAI)]


async def test_a_clear_text_backend_beside_us_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """keyrings.alt is installed here, and even asked for by name in the environment."""
    alt = pytest.importorskip("keyrings.alt.file")
    assert alt.PlaintextKeyring.priority > 0, "it would be taken by keyring's automatic choice"
    home = tmp_path / "person"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    manager = await opened(home / "routerterm", {"OPENAI_API_KEY": OPENAI})
    await manager.add("groq", Secret(GROQ))
    await manager.adopt((await manager.key_store.rows("openai"))[0])
    assert [key.secret for key in await manager.key_store.keys("groq")] == [Secret(GROQ)]
    files = [file for file in home.rglob("*") if file.is_file()]
    assert {file.name for file in files} == {"keys.vault", "keys.vault.lock", "keys.json", "keys.json.lock"}
    import base64

    for file in files:
        for key in (OPENAI, GROQ):
            assert key.encode() not in file.read_bytes()
            assert base64.b64encode(key.encode())[:-4] not in file.read_bytes()


def test_nothing_heavy_is_imported_before_the_first_key() -> None:
    program = """
import sys
from pathlib import Path
from routerterm.config.keys.key_store import KeyStore
from routerterm.config.keys.key_manager import KeyManager
KeyManager(KeyStore(Path("/nowhere"), {}, environ={}))
heavy = ("keyring", "cryptography", "secretstorage", "jeepney", "textual", "pydantic", "httpx")
print([name for name in heavy if name in sys.modules])
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.strip() == "[]"
