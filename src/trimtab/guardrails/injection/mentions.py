# ruff: noqa: RUF001 - quotation marks and words of several languages.
"""Leaves out attacks that a text only quotes, to report or to ask about them.

"How do we detect 'ignore all previous instructions'?" gives no order. A quote counts as mentioned
when the words next to it report it and none of them asks to act on it.
"""

import re

_QUOTE = re.compile(
    r'"[^"\n]{2,400}"|“[^”\n]{2,400}”|„[^“”\n]{2,400}[“”]|«[^»\n]{2,400}»|»[^«\n]{2,400}«|「[^」\n]{2,400}」|『[^』\n]{2,400}』'
    r"|‘[^’\n]{2,400}’|`[^`\n]{2,400}`|(?<!\w)'[^'\n]{2,400}'(?!\w)"
)
_BEFORE, _AFTER = 120, 80
"""Characters before and after a quote in which a reporting word counts."""
_REPORTS = re.compile(
    r"\b(?:detect|recogni[sz]|mean|attacks?\b|inject|jailbreak|block|reject|filtered|texts? (?:such as|like)|prompts? (?:such as|like)|typical"
    r"|classif|flagged|erkenn|bedeut|angriff|blockier|abgelehnt|eingaben wie|détect|signif|attaque|bloqu|rejet|ataque|bloque|rechaz|riconosc|attacc|blocca"
    r"|rifiut|bloquead|herken|beteken|aanval|geblokkeer)"
    r"|распозна|обнаруж|значит|означа|атак|блокир|检测|识别|意思|攻击|拦截|阻止|这样的|検出|意味|攻撃|拒否|のような",
    re.IGNORECASE,
)
_ORDERS = re.compile(
    r"\b(?:follow|obey|execute|run|carry out|comply|perform|act on|act as|do (?:it|this|that|what|as|so|exactly)|then|now|first|repeat|decode|translate|reply|respond"
    r"|output|print|say|write|reveal|show me|pretend|ignore|disregard|forget|continue|complete|start|begin|use|tell|give|make|must|only|answer with|story|film|movie|befolge|folge|führe|gehorche|antworte|wiederhole|schreib|tu|sag"
    r"|suis|suivez|exécute|obéis|réponds|répète|écris|dis|sigue|ejecuta|obedece|responde|repite|escribe|haz|segui|esegui|obbedisci|rispondi|ripeti|scrivi"
    r"|siga|execute|obedeça|responda|repita|escreva|volg|voer|gehoorzaam|antwoord|herhaal|schrijf)\b"
    r"|выполни|следуй|ответь|повтори|напиши|执行|遵循|照做|回答|输出|重复|実行|従っ|従い|答え|出力|繰り返",
    re.IGNORECASE,
)
_PLACEHOLDER = "text"


def without_mentions(text: str) -> str | None:
    """Return the text without the quotes that it reports; None when it reports none."""
    quotes = list(_QUOTE.finditer(text))
    kept, last, left_out = list[str](), 0, False
    for index, quote in enumerate(quotes):
        before = text[max(last, quote.start() - _BEFORE) : quote.start()]
        following = quotes[index + 1].start() if index + 1 < len(quotes) else len(text)
        context = f"{before} … {text[quote.end() : min(following, quote.end() + _AFTER)]}"
        if _REPORTS.search(context) and not _ORDERS.search(context):
            kept += [text[last : quote.start()], _PLACEHOLDER]
            left_out = True
        else:
            kept.append(text[last : quote.end()])
        last = quote.end()
    return "".join((*kept, text[last:])) if left_out else None
