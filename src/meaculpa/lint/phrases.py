"""The rules for letters, and for each language the phrases that must not stand in one."""

from collections.abc import Mapping
from enum import StrEnum


class Rule(StrEnum):
    """The rules that a letter is held to."""

    IMPACT_FIRST = "MC003"
    RESTORED_FACTS = "MC005"
    APOLOGY_ELEMENTS = "MC006"
    ONE_APOLOGY = "MC007"
    REFUND_FIRST = "MC008"
    DELAY_NOTICE = "MC010"
    WORKS_WHEN_DOWN = "MC011"
    INDIVIDUAL = "MC012"
    PROMISE = "MC013"
    INCONVENIENCE = "MC101"
    CONDITIONAL_SORRY = "MC102"
    NO_AGENT = "MC103"
    BLAMES_SUPPLIER = "MC201"
    BLAMES_DEMAND = "MC202"
    BLAMES_PERSON = "MC203"
    DEFAULT_CANCEL = "MC301"
    HEDGED_ORDER = "MC302"
    VAGUE_TIME = "MC401"
    EMPTY_OR_CUTE = "MC501"
    CANNED = "MC601"
    PLACEHOLDER = "MC602"
    SELLS = "MC701"


# Rule -> what must not stand in a letter, and what would be right; ordered as in the paper.
PHRASES: Mapping[str, Mapping[Rule, tuple[str, str]]] = {
    "en": {
        Rule.INCONVENIENCE: (
            r"\b(any|the|this) inconvenience\b|inconvenience (this|it|we) .{0,12}caused",
            "name the harm",
        ),
        Rule.CONDITIONAL_SORRY: (r"\b(sorry|apologi[sz]e)\b[^.]{0,40}\b(if|may have)\b", "sorry that, not sorry if"),
        Rule.NO_AGENT: (
            r"\b(mistakes|errors) were made\b|\ban? (unexpected )?(error|mistake) occurred\b|\bw(as|ere) oversold\b",
            "say who: we ...",
        ),
        Rule.BLAMES_SUPPLIER: (
            r"\b(due to|owing to|because of|caused by) (a|an|the|our) ([\w-]+ ){0,2}"
            r"(supplier|carrier|provider|vendor|partner|courier|bank)\b"
            r"|\bour (supplier|carrier|provider|vendor|partner|courier) (has )?(let|failed|lost|made|delayed)\b"
            r"|\b(beyond|outside|out of) our (control|hands)\b",
            "in the customer's eyes it is ours: say what we did, or did not do",
        ),
        Rule.BLAMES_DEMAND: (
            r"\b(due|owing) to (the )?(very )?(unprecedented|overwhelming|extraordinary|high|unexpected)"
            r" (demand|traffic|interest)"
            r"|\bdemand exceeded\b",
            "we sold more than we had",
        ),
        Rule.BLAMES_PERSON: (
            r"\bhuman error\b"
            r"|\b(an?( new)?|one of our|a member of our) (engineer|employee|colleague|team)s? made"
            r" (a|the) (mistake|error)\b",
            "we did not check ...",
        ),
        Rule.DEFAULT_CANCEL: (
            r"\b(will|may|shall|must)( automatically)?( be)? cancel(led)?\b[^.]{0,60}\bunless\b"
            r"|\bunless you\b[^.]{0,80}\bcancel|\bautomatically cancel|\bor (it|your order) (will|may) be cancelled",
            "clicking buy was the confirmation: say what happens if you hear nothing, and keep the order",
        ),
        Rule.HEDGED_ORDER: (
            r"\bmay not be able to (deliver|ship|send)\b|\bsome items? (may|might)\b"
            r"|\b(order|item)s? (may|might|could) be (delayed|late|cancelled)\b",
            "say what will happen to this order",
        ),
        Rule.VAGUE_TIME: (
            r"\bshortly\b(?! (after|before)\b)|\bsoon\b(?! (as|after)\b)|\basap\b|\bas soon as possible\b"
            r"|\bin due course\b|\bmomentarily\b",
            "a day, or a day by which you write again",
        ),
        Rule.EMPTY_OR_CUTE: (
            r"\btechnical (difficult|issue|problem)\w*|\boops\b|\bglitch\b|\bhiccup",
            "say what fails",
        ),
        Rule.CANNED: (
            r"\bdear (valued )?customer\b|\bvalued customer\b|\bimportant to us\b"
            r"|\bthank you for your (continued )?(patience|understanding)\b|\bdo not reply\b"
            r"|\btakes? (this|it) (very )?seriously\b|\bitem\(s\)|\border\(s\)",
            "their name and their facts",
        ),
    },
    "de": {
        Rule.INCONVENIENCE: (r"\bUnannehmlichkeit|\bUmstände, die Ihnen", "sagen, was es gekostet hat"),
        Rule.CONDITIONAL_SORRY: (
            r"\b(leid|entschuldig\w*)\b[^.]{0,40}\b(falls|sollten|möglicherweise)\b",
            "dass, nicht falls",
        ),
        Rule.NO_AGENT: (r"\bwurden Fehler gemacht\b|\b(ist|kam) (es )?(ein|zu einem) Fehler", "sagen, wer: wir ..."),
        Rule.BLAMES_SUPPLIER: (
            r"\b(wegen|aufgrund|durch) (eine[sn]|unsere[sn]?|des|den) ([\w-]+ ){0,2}"
            r"(Lieferant|Spediteur|Dienstleister|Anbieter|Partner|Paketdienst)\w*"
            r"|\bunser(e)? (Lieferant|Spediteur|Dienstleister|Anbieter|Partner|Paketdienst)\w* hat\b"
            r"|\baußerhalb unser\w+ (Kontrolle|Einfluss)|\bhöhere Gewalt\b",
            "für die Kundin ist es unser Fehler: was haben wir getan oder nicht getan?",
        ),
        Rule.BLAMES_DEMAND: (
            r"\b(wegen|aufgrund|bedingt durch) (der |die )?(sehr )?"
            r"(starker|un\w+|hohe[nr]?|große[nr]?|überwältigende[nr]?)"
            r" (Nachfrage|Andrang|Interesse)",
            "wir haben mehr verkauft, als wir hatten",
        ),
        Rule.BLAMES_PERSON: (
            r"\bmenschliche\w* (Versagen|Fehler)|\bein Mitarbeiter hat\b",
            "wir haben nicht geprüft ...",
        ),
        Rule.DEFAULT_CANCEL: (
            r"\b(storniert|gelöscht|verfällt)\b[^.]{0,60}\b(sofern|außer|wenn) Sie (sich )?nicht"
            r"|\bautomatisch storniert|\bandernfalls (wird|stornieren)|\bsonst (wird|stornieren) [^.]{0,40}stornier",
            "der Kauf war die Bestätigung",
        ),
        Rule.HEDGED_ORDER: (
            r"\bmöglicherweise nicht (liefern|versenden)"
            r"|\b(Bestellung|Artikel) (kann|könnte) sich (evtl\. )?verzögern"
            r"|\beinige Artikel (können|könnten)",
            "sagen, was mit dieser Bestellung geschieht",
        ),
        Rule.VAGUE_TIME: (
            r"\bin Kürze\b|\bdemnächst\b|\bbald\b(?! nach\b)|\bbaldmöglichst\b"
            r"|\bso (bald|schnell|rasch) wie möglich\b|\bschnellstmöglich\b|\bzeitnah\b|\bzu gegebener Zeit\b",
            "ein Tag, oder der Tag der nächsten Nachricht",
        ),
        Rule.EMPTY_OR_CUTE: (
            r"\btechnische\w* (Schwierigkeit|Problem|Störung)\w*|\bHoppla\b|\bUps\b",
            "sagen, was nicht geht",
        ),
        Rule.CANNED: (
            r"\bsehr geehrte (Damen und Herren|Kund)\w*|\bwerte\w* Kund|\bliebe Kund|\b(ist|sind) uns wichtig\b"
            r"|\b(danke|vielen dank) für (Ihre Geduld|Ihr Verständnis)|\bbitte (antworten Sie )?nicht auf diese"
            r"|\bnehmen (dies|das|es) sehr ernst\b|\bArtikel\(n?\)",
            "Name und Sachverhalt",
        ),
    },
}
