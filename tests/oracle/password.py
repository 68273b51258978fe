"""Password authentication, the database's side of O5LOGON with a 12c verifier.

The database keeps no password but a verifier: a salt and a hash of what PBKDF2 makes of password and salt. Both sides send half of
a key, encrypted with that hash; only who knows the password (or the verifier) can put the session key together. The client's
password arrives encrypted with the session key, and so does the answer by which the client knows the database.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

VERIFIER_12C = 0x4815
_GENERATION_ROUNDS = 4096
_DERIVATION_ROUNDS = 3
_SALT = 16
_HALF = 32
_KEY = 64


@dataclass(frozen=True, slots=True)
class Verifier:
    """What the database keeps of a password."""

    salt: bytes
    hash: bytes

    @classmethod
    def of(cls, password: str) -> Verifier:
        salt = secrets.token_bytes(_SALT)
        return cls(salt, _hash(_speedy_key(password, salt), salt))

    @classmethod
    def of_nobody(cls) -> Verifier:
        """For a user that does not exist: the client must not learn that before it has sent a password."""
        return cls(secrets.token_bytes(_SALT), secrets.token_bytes(_HALF))


class Logon:
    """One attempt to log on."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier
        self._half = secrets.token_bytes(_HALF)
        self._salt = secrets.token_bytes(_SALT)
        self._key = b""

    def challenge(self) -> list[tuple[str, str, int]]:
        """Phase one's answer: name, value and flags."""
        return [
            ("AUTH_SESSKEY", _hex(_encrypt(self._verifier.hash, self._half)), 0),
            ("AUTH_VFR_DATA", _hex(self._verifier.salt), VERIFIER_12C),
            ("AUTH_PBKDF2_CSK_SALT", _hex(self._salt), 0),
            ("AUTH_PBKDF2_VGEN_COUNT", str(_GENERATION_ROUNDS), 0),
            ("AUTH_PBKDF2_SDER_COUNT", str(_DERIVATION_ROUNDS), 0),
        ]

    def accepts(self, answer: dict[str, str]) -> bool:
        """Whether phase two's values prove that the client knows the password."""
        try:
            client_half = _decrypt(self._verifier.hash, bytes.fromhex(answer["AUTH_SESSKEY"]))
            both = (client_half[:_HALF] + self._half).hex().upper().encode()
            self._key = hashlib.pbkdf2_hmac("sha512", both, self._salt, _DERIVATION_ROUNDS, _HALF)
            speedy = _decrypt(self._key, bytes.fromhex(answer["AUTH_PBKDF2_SPEEDY_KEY"]))[_SALT:][:_KEY]
            padded = _decrypt(self._key, bytes.fromhex(answer["AUTH_PASSWORD"]))
            password = padded[_SALT : -padded[-1]].decode()
        except (KeyError, ValueError):
            return False
        known = _hash(speedy, self._verifier.salt) == self._verifier.hash
        return known and _speedy_key(password, self._verifier.salt) == speedy

    def proof(self) -> str:
        """What shows the client that the database knows the password too."""
        return _hex(_encrypt(self._key, secrets.token_bytes(_SALT) + b"SERVER_TO_CLIENT"))


def _speedy_key(password: str, salt: bytes) -> bytes:
    salted = salt + b"AUTH_PBKDF2_SPEEDY_KEY"
    return hashlib.pbkdf2_hmac("sha512", password.encode(), salted, _GENERATION_ROUNDS, _KEY)


def _hash(speedy_key: bytes, salt: bytes) -> bytes:
    return hashlib.sha512(speedy_key + salt).digest()[:_HALF]


def _encrypt(key: bytes, text: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return encryptor.update(text) + encryptor.finalize()


def _decrypt(key: bytes, text: bytes) -> bytes:
    decryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
    return decryptor.update(text) + decryptor.finalize()


def _hex(value: bytes) -> str:
    return value.hex().upper()
