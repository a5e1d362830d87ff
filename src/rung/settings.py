"""Everything that can be set, on one page: environment variables or a `.env` file, and what Django makes of them."""

import ipaddress
import logging
import os
from email.utils import formataddr
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from rung import sqlite

sqlite.install()


def _dotenv(path: Path) -> dict[str, str]:
    """`NAME=value` lines; `#` starts a comment line; quotes around a value are dropped."""
    if not path.is_file():
        return {}
    told = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals:
            raise ImproperlyConfigured(f"{path}, line {number}: write NAME=value, or start a comment with #")
        value = value.strip()
        told[name.strip()] = value[1:-1] if len(value) > 1 and value[0] == value[-1] in "\"'" else value
    return told


_TOLD: Final = {**_dotenv(Path(".env")), **os.environ}


def _told(name: str, default: str = "") -> str:
    return _TOLD.get(name, "").strip() or default


def _mail() -> tuple[str, str, int, str, str, bool, bool]:
    """RUNG_SMTP_URL for Django: smtp://, smtp+starttls:// or smtps://user:password@host:port. Without one, what would
    be sent is written where the worker writes."""
    told = _told("RUNG_SMTP_URL")
    if not told:
        return "django.core.mail.backends.console.EmailBackend", "", 25, "", "", False, False
    parts = urlsplit(told)
    ports = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
    try:
        port = parts.port or ports[parts.scheme]
    except (KeyError, ValueError):
        raise ImproperlyConfigured(
            f"RUNG_SMTP_URL starts with {parts.scheme!r}: write smtp://, smtp+starttls:// or smtps://"
            "user:password@host:port"
        ) from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    is_starttls, is_tls = parts.scheme == "smtp+starttls", parts.scheme == "smtps"
    backend = "django.core.mail.backends.smtp.EmailBackend"
    return backend, parts.hostname or "localhost", port, user, password, is_starttls, is_tls


def _yes_or_no(name: str, default: bool) -> bool:
    told = _told(name, "yes" if default else "no").lower()
    if told not in {"yes", "no", "true", "false", "1", "0", "on", "off"}:
        raise ImproperlyConfigured(f"{name} is {told!r}: write yes or no")
    return told in {"yes", "true", "1", "on"}


def _public_url() -> str:
    told = _told("PUBLIC_URL", _told("RUNG_SERVED_AT", "http://localhost:8000")).rstrip("/")
    try:
        parts = urlsplit(told)
        is_right = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.path and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise ImproperlyConfigured(
            f"PUBLIC_URL is {told!r}: write the address people open, as https://rung.acme.example"
        )
    return told


def _trusted_proxies() -> tuple[str, ...]:
    """RUNG_TRUSTED_PROXIES: addresses and networks whose X-Forwarded-For is believed; without it nobody's."""
    told = _told("RUNG_TRUSTED_PROXIES").replace(",", " ").split()
    for each in told:
        try:
            network = ipaddress.ip_network(each)
        except ValueError as fault:
            raise ImproperlyConfigured(
                f"RUNG_TRUSTED_PROXIES names {each!r} ({fault}): write addresses or networks, as 127.0.0.1 10.0.0.0/8"
            ) from None
        if not network.prefixlen:
            raise ImproperlyConfigured(
                f"RUNG_TRUSTED_PROXIES names {each}, which is everybody: then anybody could say to be anybody"
            )
    return tuple(told)


def _secret_key() -> str:
    """RUNG_SECRET_KEY, else the one kept in RUNG_HOME, made on the first start and readable by its owner only."""
    told = _told("RUNG_SECRET_KEY")
    if told:
        if len(told) < 32:
            raise ImproperlyConfigured("RUNG_SECRET_KEY is shorter than 32 characters: use a long random text")
        return told
    kept = RUNG_HOME / "secret-key"
    try:
        RUNG_HOME.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _kept_key(kept)
    except OSError as fault:
        raise ImproperlyConfigured(f"RUNG_HOME is {str(RUNG_HOME)!r}, which cannot be written: {fault}") from fault
    with os.fdopen(handle, "w", encoding="ascii") as file:
        key = get_random_secret_key() + get_random_secret_key()
        file.write(key)
    return key


def _kept_key(kept: Path) -> str:
    key = kept.read_text("ascii").strip()
    if len(key) < 32:
        raise ImproperlyConfigured(
            f"{kept} holds no secret key: delete the file (everybody is signed out) or restore it"
        )
    return key


def _database() -> dict[str, object]:
    told = _told("RUNG_DATABASE_URL")
    if not told:
        return _sqlite(RUNG_HOME / "rung.sqlite3")
    parts = urlsplit(told)
    if parts.scheme == "sqlite" and parts.path.startswith("/") and not parts.hostname:
        return _sqlite(Path(unquote(parts.path)))
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ImproperlyConfigured(
            f"RUNG_DATABASE_URL starts with {parts.scheme!r}: write postgresql://user:password@host:5432/name, "
            "or nothing for SQLite in RUNG_HOME"
        )
    return postgres(told)


def _sqlite(path: Path) -> dict[str, object]:
    # Untuned Django loses jobs to "database is locked" with two workers. FULL survives a power cut; the larger
    # checkpoint keeps the unique index on message ids from being the brake.
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        # A thread keeps its connection, and so what it has read. Most of it is the file itself, mapped once for all.
        "CONN_MAX_AGE": 600,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=20000;"
            " PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384; PRAGMA mmap_size=268435456; PRAGMA temp_store=MEMORY;",
        },
    }


def postgres(url: str) -> dict[str, object]:
    """Django's settings of a PostgreSQL address, with psycopg's own pool."""
    parts = urlsplit(url)
    options: dict[str, object] = dict(parse_qsl(parts.query))
    host = str(options.pop("host", "") or parts.hostname or "")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 12, "timeout": 20}, **options},
    }


RUNG_HOME: Final = Path(_told("RUNG_HOME", "var")).expanduser().absolute()
RUNG_DEMO: Final = _yes_or_no("RUNG_DEMO", default=False)
RUNG_FIRM: Final = " ".join(_told("RUNG_FIRM").split())[:100]
"""The firm's own name, for the public: above its forms and as the sender of its mail."""
PUBLIC_URL: Final = _public_url()
_IS_HTTPS: Final = PUBLIC_URL.startswith("https://")
_HOST: Final = str(urlsplit(PUBLIC_URL).hostname)

RUNG_TRUSTED_PROXIES: Final = _trusted_proxies()
RUNG_ENRICHERS: Final = tuple(_told("RUNG_ENRICHERS", "rung.capture.enriching:company_website").split())
RUNG_IMAP_URL: Final = _told("RUNG_IMAP_URL")
DEBUG = _yes_or_no("RUNG_DEBUG", default=False)
SECRET_KEY = _secret_key()
DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ALLOWED_HOSTS = sorted({_HOST, "localhost", "127.0.0.1", "[::1]", *_told("RUNG_HOSTS").split()})
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
ROOT_URLCONF = "rung.urls"

ROOMS: Final = (
    "access",
    "jobs",
    "history",
    "mail",
    "people",
    "lifecycle",
    "capture",
    "handoff",
    "insight",
    "ui",
    "web",
    "demo",
)
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    *(f"rung.{room}" for room in ROOMS),
]
MIDDLEWARE = [
    "rung.access.headers.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["rung.access.passwords.Argon2"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
CSRF_FAILURE_VIEW = "rung.web.errors.csrf"
LOGIN_URL = "/sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _IS_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _IS_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if _IS_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_100
"""A table of a thousand columns has two answers a column."""
FILE_UPLOAD_HANDLERS = ["rung.web.uploading.Bounded"]

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = RUNG_HOME / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

EMAIL_BACKEND, EMAIL_HOST, EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD, EMAIL_USE_TLS, EMAIL_USE_SSL = _mail()
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _told("RUNG_MAIL_FROM", formataddr((RUNG_FIRM or "Rung", f"rung@{_HOST}")))


def _in_a_line(record: logging.LogRecord) -> bool:
    record.exc_info = record.exc_text = None
    return True


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"in a line": {"()": "django.utils.log.CallbackFilter", "callback": _in_a_line}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "in a line": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["in a line"]},
    },
    "root": {"handlers": ["console"], "level": "INFO" if DEBUG else "WARNING"},
    # A refused request is the asker's affair: with its stack in the log it reads like a crash.
    "loggers": {
        "django.request": {"level": "INFO" if DEBUG else "ERROR"},
        "django.security": {"handlers": ["in a line"], "propagate": False},
    },
}
