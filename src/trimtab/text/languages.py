"""Function words of the languages that keyword search knows.

The function words tell a text's language and are left out of queries. The lists are short on
purpose: the words that carry almost nothing, not everything that is frequent.
"""

from collections.abc import Iterable

_FUNCTION_WORDS = {
    "english": (
        "a about above after again against all also am an and any are as at be because been "
        "before being below between both but by can could did do does doing down during each few "
        "for from further had has have having he her here hers him his how i if in into is it its "
        "itself just me more most my no nor not of off on once only or other our out over own "
        "same she should so some such than that the their them then there these they this those "
        "through to too under until up very was we were what when where which while who whom why "
        "will with would you your"
    ),
    "spanish": (
        "a al algo algunas algunos ante antes como con contra cual cuales cuando cuanto cuanta "
        "cuantos cuantas cuál cuáles cuándo cuánto cuánta cuántos cuántas cómo de del desde donde "
        "dónde durante e el ella ellas ellos en entre era eran es esa esas ese eso esos esta está "
        "estaba están estas este esto estos fue fueron ha había habían han hasta hay la las le "
        "les lo los me mi mientras muy más ni no nos o otra otras otro otros para pero por porque "
        "que qué quien quién quienes quiénes se sea según ser si sido sin sobre son su sus sí "
        "también tanto te tiene tienen tu un una uno unos y ya él"
    ),
    "french": (
        "à au aux avec ce cela ces cet cette ceux chez comme comment d dans de des donc du elle "
        "elles en entre est et eu être il ils j je l la le les leur leurs lui m ma mais me même "
        "mes moi mon n ne nos notre nous on ont ou où par pas plus pour pourquoi qu quand que quel "
        "quelle quelles quels qui s sa sans se ses si son sont sur ta te tes toi ton tu un une "
        "vos votre vous y été était"
    ),
    "german": (
        "aber als am an auch auf aus bei bin bis da damit dann das dass dem den der des die dies "
        "diese diesem diesen dieser dieses doch du durch ein eine einem einen einer eines er es "
        "für haben hat hatte ich ihm ihn ihr ihre ihren im in ist ja kann kein keine man mein mit "
        "nach nicht noch nur ob oder ohne sein seine sich sie sind so um und uns unter vom von vor "
        "war waren warum was welche welcher welches wenn wer werden wie wird wo wurde wurden zu "
        "zum zur zwischen über"
    ),
    "italian": (
        "a ad ai al alla alle allo anche che chi ci come con cosa cui da dai dal dalla dalle dei "
        "del della delle dello di dove e ed era erano essere fu gli ha hanno i il in io l la le lo "
        "loro ma mi ne nei nel nella nelle no noi non o per perché più quale quali quando quanto "
        "quella quelle quelli quello questa queste questi questo se si sia sono su sua sue sugli "
        "sul sulla suo suoi tra tu un una uno è"
    ),
    "portuguese": (
        "a ao aos as até com como da das de dela dele deles depois do dos e ela elas ele eles em"
        " entre era eram essa esse esta está este eu foi foram há isso isto já lhe mais mas me"
        " mesmo meu minha muito na nas nem no nos nós não o onde os ou para pela pelas pelo pelos"
        " por porque qual quais quando quanto que quem se sem ser seu seus sobre sua suas são"
        " também te tem teve um uma você à é"
    ),
}
LANGUAGES = tuple(_FUNCTION_WORDS)
FUNCTION_WORDS = {name: frozenset(words.split()) for name, words in _FUNCTION_WORDS.items()}
DEFAULT_LANGUAGE = "english"
_SPOKEN_IN = {
    word: tuple(name for name in LANGUAGES if word in FUNCTION_WORDS[name])
    for word in frozenset().union(*FUNCTION_WORDS.values())
}


def language_of(words: Iterable[str]) -> str:
    """Return the language whose function words are most frequent; English when none is there."""
    counts = dict.fromkeys(LANGUAGES, 0)
    for word in words:
        for name in _SPOKEN_IN.get(word, ()):
            counts[name] += 1
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] > counts[DEFAULT_LANGUAGE] else DEFAULT_LANGUAGE
