"""How a company is named: by its lower-case domain when it has one, else by its text."""

import re
import unicodedata
from typing import Final

_DOMAIN: Final = re.compile(r"(?=.{4,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")

FREE_MAILBOXES: Final = frozenset(
    """
    gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.it yahoo.es yahoo.ca yahoo.in yahoo.co.in
    yahoo.com.br yahoo.com.ar yahoo.com.mx yahoo.co.jp ymail.com rocketmail.com hotmail.com hotmail.co.uk hotmail.fr
    hotmail.de hotmail.it hotmail.es outlook.com outlook.de outlook.fr outlook.es outlook.it live.com live.co.uk live.fr
    live.nl msn.com passport.com icloud.com me.com mac.com aol.com aim.com gmx.de gmx.net gmx.com gmx.at gmx.ch web.de
    t-online.de freenet.de posteo.de mailbox.org mail.de email.de 1und1.de arcor.de vodafone.de protonmail.com
    protonmail.ch proton.me pm.me tutanota.com tutanota.de tuta.io tuta.com fastmail.com fastmail.fm hushmail.com
    zoho.com zohomail.com mail.com email.com usa.com inbox.com mail.ru inbox.ru list.ru bk.ru yandex.ru yandex.com
    rambler.ru ukr.net i.ua qq.com 163.com 126.com sina.com sina.cn sohu.com foxmail.com aliyun.com naver.com daum.net
    hanmail.net orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr libero.it virgilio.it tiscali.it alice.it
    tin.it bluewin.ch hispeed.ch sunrise.ch telenet.be skynet.be ziggo.nl kpnmail.nl xs4all.nl planet.nl home.nl
    telia.com online.no wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz azet.sk freemail.hu citromail.hu abv.bg
    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com rogers.com
    shaw.ca bell.net sympatico.ca btinternet.com sky.com virginmedia.com ntlworld.com talktalk.net blueyonder.co.uk
    bigpond.com optusnet.com.au uol.com.br bol.com.br terra.com.br ig.com.br globo.com rediffmail.com
    duck.com hey.com simplelogin.com mailinator.com guerrillamail.com yopmail.com
    """.split()
)
"""Domains whose mailboxes belong to persons: they never name a company."""


def company_key(text: str) -> str | None:
    """The key of the company that the text names: its lower-case domain, else its text in NFC, trimmed.

    None for empty text and for a free-mailbox domain, which is never a company.
    """
    text = unicodedata.normalize("NFC", text).strip()
    domain = text.lower()
    if _DOMAIN.match(domain):
        return None if domain in FREE_MAILBOXES else domain
    return text or None


def is_domain(key: str) -> bool:
    """Whether a company's key is a domain, and not a name."""
    return _DOMAIN.match(key) is not None


def email_domain(address: str) -> str | None:
    """The lower-case domain of a mail address, or None when there is none."""
    _, at, domain = address.rpartition("@")
    return domain.strip().lower() or None if at else None


def is_free_mailbox(address: str) -> bool:
    """Whether the address lives at a provider of personal mailboxes."""
    return email_domain(address) in FREE_MAILBOXES
