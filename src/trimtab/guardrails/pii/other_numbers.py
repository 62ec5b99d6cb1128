# ruff: noqa: RUF001 - the quotation mark of French articles.
"""Recognises numbers that are named as something else than personal data.

Order, part and device numbers pass the checksum of a card in one of ten cases, and an IMEI passes
it by definition. The name before the number decides, and the nearest name wins.
"""

import re

_LEAD = 80
"""Number of characters before a number in which a name counts."""
_OTHER_KIND = re.compile(
    # Kinds of numbers that say by themselves that the number is not a card.
    r"(?:(?:(?<![^\W_])(?:imei|imeisv|meid|esn|iccid|ean|gtin|upc|isbn|issn|sku|udi|vin|asin"
    # Or a thing, and that a number of it follows.
    r"|(?:order|purchase|part|serial|batch|lot|invoice|tracking|article|item|asset|ticket|case|shipment|parcel|consignment"
    r"|device|model|product|material|document|reference|customer|meter|delivery|catalogue?|inventory|equipment)"
    r"[ _-]?(?:numbers?|numbered|no|nos|nr|num|ids?|codes?|ref|#)"
    r"|(?:bestell|auftrags?|teile?|artikel|serien|chargen|rechnungs|sendungs|geräte|material|inventar|kunden|zähler|art\.?)-?(?:nummern?|nr)"
    r"|(?:n[uú]m[eé]ro|nº|n°) d[eiu] ?(?:la |l['’])?(?:pedido|serie|série|pieza|parte|factura|lote|ordine|fattura|commande|facture|pièce|lot|encomenda|fatura)"
    r")(?![^\W_])|订单号|序列号|批号|零件号|追踪号|注文番号|製造番号|部品番号|주문번호|일련번호)(?:\.(?=\W{0,3}(?:\d|$)))?[^\n.!?;,\d]{0,40}"
    # Or the thing directly before its number.
    r"|(?<![^\W_])(?:order|part|serial|batch|lot|invoice|tracking|article|item|ticket|parcel)s?\W{0,3})"
    # Then nothing, or a list of numbers.
    r"(?:\d[\d -]{6,}(?:[,;/&]| and| or| und| oder| et| y| e|\s)+)*$",
    re.IGNORECASE,
)
_NAMES_CARD = re.compile(
    r"\b(?:cards?|visa|mastercard|amex|maestro|karten?|kreditkarte|tarjeta|carte|carta|cartão|paid|pay|charged)\b|卡",
    re.IGNORECASE,
)


def is_other_kind(lead: str) -> bool:
    """Return whether the text before a number names it as an IMEI, an order, a part ...

    The nearest name wins: in "the order number 12 was paid with card" it is the card.
    """
    lead = lead[-_LEAD:]
    found = _OTHER_KIND.search(lead)
    return found is not None and not _NAMES_CARD.search(lead, found.start())
