"""How plausible a text is in the languages that an encoding was made for; what `encoding` judges by."""

from collections import Counter
from dataclasses import dataclass

_PUNCTUATION = frozenset("\u3000、。，！？：；（）《》〈〉「」『』【】“”‘’„«»…—–～·¿¡€°")
# What a byte beyond ASCII is in an encoding that the text is not in, more often than anything else.
_ODD = frozenset("\ufffd￥€¬¶§©®±¤¦¯´¸¨×÷µ")


@dataclass(frozen=True)
class Tongue:
    """A language, or some that are written alike, and the encodings that it came in before Unicode."""

    name: str
    codecs: tuple[str, ...]
    common: frozenset[str]  # two points each: most of a text beyond ASCII
    others: frozenset[str] = frozenset()  # a point each
    repertoire: tuple[str, range] | None = (
        None  # a codec and its lead bytes whose characters have a point too
    )
    among_ascii: bool = True  # whether its letters stand beside ASCII's in one word

    def points(self, before: str, character: str) -> int:
        """0 to 2: how well a character beyond ASCII fits behind the one before it."""
        if not self.among_ascii and (before.isascii() and before.isalpha()):
            return 0
        lower = character.lower()
        in_word = lower != character and before.isalpha() and before.islower()  # "aÉ": cases mixed up
        if lower in self.common:
            return 0 if in_word else 2 if lower == character or not before.isalpha() else 1
        if lower in self.others or character in _PUNCTUATION:
            return int(not in_word)
        return int(self._in_repertoire(character))

    def _in_repertoire(self, character: str) -> bool:
        if self.repertoire is None:
            return False
        codec, leads = self.repertoire
        encoded = character.encode(codec, "ignore")
        return len(encoded) == 2 and encoded[0] in leads

    def plausibility(self, text: str) -> float:
        """Mean points of the characters beyond ASCII, in [-1, 2]; 0 where there are none."""
        pairs = Counter(zip(" " + text, text, strict=False))
        beyond = {pair: count for pair, count in pairs.items() if pair[1] > "\x7f" or pair[1] in "\0\x1b"}
        points = sum(count * self._worth(*pair) for pair, count in beyond.items())
        return points / max(1, sum(beyond.values()))

    def _worth(self, before: str, character: str) -> int:
        is_control = (
            "\x80" <= character <= "\x9f" or "\ue000" <= character <= "\uf8ff" or character in "\0\x1b"
        )
        return -1 if is_control or character in _ODD else self.points(before, character)


def _set(characters: str) -> frozenset[str]:
    return frozenset(characters) - {" ", "\n"}


# About 280 of the commonest characters of modern Chinese, in simplified and traditional form.
_CHINESE = _set(
    "一万三上下不与世业东两並个中为主么之九也书了事二于五些产亲人什今从他代以们件任会但位住体何作你使來便信個們做儿先光兒入內全兩公共关其内再军几出分別利别到前力加动動化北十华却卻原去又及反发受口只"
    "叫可台司各合同名后向吗吧听员呢命和員唔啊問嗎嘅四回因国國在地场報場声处外多夜夢大天太头女她好如妳子学學安定实家實对将將對小少就山工己已市师師常平年并幾应开张張当很後得從心性总情想意愛感應成我或"
    "所手才打把报提放政教数數文新方於无日时明是時更書最會月有期本机来東果样梦業樣機次歌正此死比民气氣水沒没法泪活海淚清点為無然爱爲物王现現理生產用由电界當發白的目相看真眼着知神祢离种種立笑第等系給"
    "經總经给美老者而聲聽能自至臺與花華萬著處行表被裏裡西要見親见計記話說説誰讓计让记话说谁象走起路身車軍车边过还这進这通進過道還邊那部都里重金長长門開间關门问間难離難雨電面頭風风馬马體高麼點"
)
_HANGUL = _set(
    "이가는을를에의도은다고지하나너내네아어서사그해한할있없수게로라리기대만말보오우인일자전정시스니마모않안여었았던들면것거건데요야주제조날길더때"
    "같람랑까눈비밤물속손잊줄려른름러르무부바버분세소상생신선성습심알울음졌처천추치타통트함행향화히와과으내늘달당동둘든멀며못미연영왔용원위유"
)
_WESTERN = ("cp1252", "mac-roman", "cp850", "cp437", "iso8859-15")
_CENTRAL = ("cp1250", "iso8859-2", "cp852", "mac-latin2")
_BALTIC = ("cp1257", "iso8859-13", "iso8859-4")
_CYRILLIC = ("cp1251", "koi8-u", "koi8-r", "cp866", "iso8859-5", "mac-cyrillic", "cp1125")


def _alphabet(name: str, codecs: tuple[str, ...], common: str, others: str = "") -> Tongue:
    """A language of Latin letters, some of which lie beyond ASCII."""
    return Tongue(name, codecs, _set(common), _set(others))


def _script(name: str, codecs: tuple[str, ...], common: str, others: str) -> Tongue:
    """A language whose letters all lie beyond ASCII."""
    return Tongue(name, codecs, _set(common), _set(others), among_ascii=False)


def _between(first: str, last: str) -> frozenset[str]:
    return frozenset(map(chr, range(ord(first), ord(last) + 1)))


# Level 1 of GB 2312-80, of Big5-1984, of JIS X 0208 and the Hangul of KS X 1001 are the commonest of each.
TONGUES = (
    Tongue("Chinese", ("gb18030",), _CHINESE, repertoire=("gb2312", range(0xB0, 0xD8))),
    Tongue("Chinese", ("cp950", "big5hkscs"), _CHINESE, repertoire=("big5", range(0xA4, 0xC7))),
    Tongue(
        "Japanese",
        ("cp932", "euc_jp"),
        _between("ぁ", "ん") | {"ー"},  # no text is without
        _between("ァ", "ヶ"),
        repertoire=("euc_jp", range(0xB0, 0xD0)),
    ),
    Tongue("Korean", ("cp949", "johab"), _HANGUL, repertoire=("euc_kr", range(0xB0, 0xC9))),
    _alphabet("English", _WESTERN, "’“”‘–—…é", "èêïüñç"),
    _alphabet("French", _WESTERN, "éèàêçôîûùâ’", "ëïœæü"),
    _alphabet("German", _WESTERN, "äöüß", "éèà"),
    _alphabet("Spanish", _WESTERN, "áéíóúñ", "ü"),
    _alphabet("Portuguese", _WESTERN, "ãáéçóêíõâàú", "ôü"),
    _alphabet("Italian", _WESTERN, "àèìòùé’"),
    _alphabet("Nordic", _WESTERN, "åäöøæ", "é"),
    _alphabet("Icelandic", _WESTERN, "áéíóúýþðæö"),
    _alphabet("Polish", _CENTRAL, "ąćęłńóśźż"),
    _alphabet("Czech or Slovak", _CENTRAL, "áčďéěíňóřšťúůýž", "ľĺôäŕ"),
    _alphabet("Croatian or Slovene", _CENTRAL, "čćđšž"),
    _alphabet("Hungarian", _CENTRAL, "áéíóöőúüű"),
    _alphabet("Romanian", _CENTRAL, "ăâîşţșț"),
    _alphabet("Turkish", ("cp1254", "iso8859-9", "cp857"), "çğıöşü", "âîûİ"),
    _alphabet("Lithuanian", _BALTIC, "ąčęėįšųūž"),
    _alphabet("Latvian", _BALTIC, "āčēģīķļņšūž"),
    _alphabet("Estonian", _BALTIC, "äöõü", "šž"),
    _alphabet("Vietnamese", ("cp1258",), "\u0300\u0301\u0303\u0309\u0323âăêôơưđ", "áàéèíóúùãõ"),
    _script("Russian", _CYRILLIC, "оеаинтсрвлкмдпу", "яыьгзбчйхжшюцщэфъё"),
    _script("Ukrainian", _CYRILLIC, "оанивітерслкдпму", "язьбгйчхцжїєющшфґ’"),
    _script("Greek", ("cp1253", "iso8859-7", "cp737"), "αοιετσνηυρπκμλςάόίέήύώω", "θδγχφβξζψ·"),
    _script("Hebrew", ("cp1255", "cp862"), "הוילתאברשמנ", "גדזחטכךםןסעפףצץק"),
    _script("Arabic", ("cp1256", "iso8859-6"), "اليمنروتبةعدسفهكقأح", "ءآؤإئثجخذزشصضطظغىًٌٍَُِّْ،؛؟"),
    _script("Thai", ("cp874",), "านรอกเง่้มยลวดทัส", "ีตะคไปิพหจใูุืึ็์บชขโแถผธซณศำๆ"),
)
