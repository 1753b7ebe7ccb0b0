"""The operating system's own keyring, chosen by name and never by keyring's automatic choice.

The automatic choice takes whatever is installed: a backend that writes clear text, or one that asks on the
terminal.  Here it is the Secret Service, the macOS Keychain or the Windows Credential Locker, or nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from routerterm.config.keys.errors import VaultAbsent, VaultLocked, WrongPassphrase
from routerterm.config.keys.values import SERVICE, KeyLocation, LockState, PlaceStatus
from routerterm.core.errors import VaultError
from routerterm.core.redact import secret_redactor
from routerterm.core.sanitise import one_line
from routerterm.core.secret import Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_GNOME_INTERFACE = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"


class SystemVault:
    """A keyring that needs no unlocking by us: macOS and Windows open it with the login."""

    place = KeyLocation.KEYRING
    title = "System keyring"

    def status(self) -> PlaceStatus:
        """What it is now."""
        try:
            self._backend()
        except VaultError as error:
            return PlaceStatus(self.place, self.title, "absent", error.message)
        return PlaceStatus(self.place, self.title, "ready", "unlocked by your login")

    def get(self, name: str) -> Secret | None:
        """The key under a name; None where there is none."""
        with _translated(self.title):
            value = self._backend().get_password(SERVICE, name)
        if not value:
            return None
        secret_redactor.learn(value)
        return Secret(value)

    def set(self, name: str, secret: Secret) -> None:
        """Store a key, replacing what was under the name."""
        secret_redactor.learn(secret.reveal())
        with _translated(self.title):
            self._backend().set_password(SERVICE, name, secret.reveal())

    def delete(self, name: str) -> None:
        """Remove a key; nothing happens where there is none."""
        from keyring.errors import PasswordDeleteError

        with _translated(self.title):
            try:
                self._backend().delete_password(SERVICE, name)
            except PasswordDeleteError:
                if self._backend().get_password(SERVICE, name) is not None:
                    raise

    def unlock(self, passphrase: str) -> None:
        """Nothing to do: the login did."""

    def lock(self) -> None:
        """Refused: it would close the keyring of every other program too."""
        raise VaultError(f"The {self.title} cannot be locked from here.", "It is locked when you log out.")

    def _backend(self) -> KeyringBackend:
        """The one backend of this system.  Raises `VaultAbsent`."""
        if sys.platform == "darwin":
            from keyring.backends.macOS import Keyring

            return Keyring()
        if sys.platform == "win32":
            from keyring.backends.Windows import WinVaultKeyring

            return WinVaultKeyring()
        raise VaultAbsent("This system has no keyring that routerterm supports.", "Use the encrypted vault.")


class SecretServiceVault(SystemVault):
    """The Secret Service of Linux desktops: GNOME Keyring, KWallet, KeePassXC.

    It is never asked for a secret while it is locked: its own prompt needs a desktop, and without one waits
    for ever.
    """

    title = "Secret Service"

    def status(self) -> PlaceStatus:
        """What it is now; asks nothing of the person."""
        try:
            with self._bus() as bus:
                collection = _collection(bus)
                if collection is None:
                    return PlaceStatus(self.place, self.title, "new", "has no keyring yet; a passphrase creates one")
                state: LockState = "locked" if collection.is_locked() else "ready"
                return PlaceStatus(self.place, self.title, state, f"keyring “{one_line(collection.get_label())}”")
        except VaultError as error:
            return PlaceStatus(self.place, self.title, "absent", error.message)

    def get(self, name: str) -> Secret | None:
        """The key under a name.  Raises `VaultLocked` rather than let the service ask."""
        self._must_be_open()
        return super().get(name)

    def set(self, name: str, secret: Secret) -> None:
        """Store a key.  Raises `VaultLocked` rather than let the service ask."""
        self._must_be_open()
        super().set(name, secret)

    def delete(self, name: str) -> None:
        """Remove a key.  Raises `VaultLocked` rather than let the service ask."""
        self._must_be_open()
        super().delete(name)

    def unlock(self, passphrase: str) -> None:
        """Open the keyring by GNOME Keyring's own D-Bus call, or else by the prompt of the desktop."""
        import secretstorage.exceptions
        from jeepney import DBusErrorResponse  # type: ignore[import-untyped]
        from secretstorage.defines import SS_PATH
        from secretstorage.util import DBusAddressWrapper, format_secret, open_session

        with self._bus() as bus:
            collection = _collection(bus)
            if collection is not None and not collection.is_locked():
                return
            gnome = DBusAddressWrapper(SS_PATH, _GNOME_INTERFACE, bus)
            secret = format_secret(open_session(bus), passphrase.encode(), "text/plain")
            try:
                if collection is not None:
                    gnome.call("UnlockWithMasterPassword", "o(oayays)", collection.collection_path, secret)
                else:
                    _make_collection(bus, gnome, secret)
            except DBusErrorResponse as error:
                raise WrongPassphrase(
                    "That passphrase does not open the keyring.", "It is usually your login password."
                ) from error
            except secretstorage.exceptions.ItemNotFoundException:
                if collection is None or collection.unlock():
                    raise _locked() from None

    def lock(self) -> None:
        """Close the person's keyring, for every program that uses it."""
        with self._bus() as bus:
            collection = _collection(bus)
            if collection is not None:
                collection.lock()

    def _must_be_open(self) -> None:
        with self._bus() as bus:
            collection = _collection(bus)
            if collection is None or collection.is_locked():
                raise _locked()

    def _backend(self) -> KeyringBackend:
        from keyring.backends.SecretService import Keyring

        return Keyring()  # type: ignore[no-untyped-call]

    @contextmanager
    def _bus(self) -> Iterator[Any]:
        """A connection to a session bus that has a Secret Service.  Raises `VaultAbsent`."""
        try:
            import secretstorage
        except ImportError as error:
            raise VaultAbsent(
                "The library for the Secret Service is not installed.", "pip install secretstorage"
            ) from error
        try:
            bus = secretstorage.dbus_init()
        except (secretstorage.exceptions.SecretStorageException, OSError) as error:
            raise VaultAbsent("There is no D-Bus session here.", "Use the encrypted vault.") from error
        try:
            with _translated(self.title):
                if not secretstorage.check_service_availability(bus):
                    raise VaultAbsent("No Secret Service runs on this D-Bus session.", "Use the encrypted vault.")
                yield bus
        finally:
            bus.close()


def system_vault() -> SystemVault:
    """The one of this system."""
    return SystemVault() if sys.platform in ("darwin", "win32") else SecretServiceVault()


def _collection(bus: Any) -> Any | None:
    """The default collection, or None where none was ever made; nothing is made here."""
    import secretstorage
    from secretstorage.defines import SS_PATH
    from secretstorage.util import SERVICE_IFACE, DBusAddressWrapper

    service = DBusAddressWrapper(SS_PATH, SERVICE_IFACE, bus)
    (path,) = service.call("ReadAlias", "s", "default")
    return secretstorage.Collection(bus, path) if len(path) > 1 else None


def _make_collection(bus: Any, gnome: Any, secret: Any) -> None:
    """A first keyring, made the default, as a desktop's login would have done."""
    from secretstorage.defines import SS_PATH
    from secretstorage.util import SERVICE_IFACE, DBusAddressWrapper

    label = {"org.freedesktop.Secret.Collection.Label": ("s", "Login")}
    (path,) = gnome.call("CreateWithMasterPassword", "a{sv}(oayays)", label, secret)
    DBusAddressWrapper(SS_PATH, SERVICE_IFACE, bus).call("SetAlias", "so", "default", path)


def _locked() -> VaultLocked:
    return VaultLocked(
        "The system's keyring is locked.", "Unlock it: `routerterm keys unlock keyring`.", place=KeyLocation.KEYRING
    )


@contextmanager
def _translated(title: str) -> Iterator[None]:
    """Errors of the libraries become ours."""
    from keyring.errors import KeyringError, KeyringLocked

    foreign: tuple[type[Exception], ...] = (KeyringError, OSError, RuntimeError)
    if sys.platform.startswith("linux"):
        from jeepney import DBusErrorResponse
        from secretstorage.exceptions import SecretStorageException

        foreign = (*foreign, SecretStorageException, DBusErrorResponse)
    try:
        yield
    except KeyringLocked as error:
        raise _locked() from error
    except foreign as error:
        said = secret_redactor(one_line(str(error)))[:200]
        raise VaultError(
            f"The {title} refused: {said or type(error).__name__}", "Use another place, or try again."
        ) from error
