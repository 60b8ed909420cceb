"""The text rules for German."""

from meaculpa.lint.phrases import GAP, Language, Phrase, any_of
from meaculpa.lint.rules import Rule

_SUPPLIER = (
    r"(?:(?:[\w-]*)(?:lieferant|spediteur|spedition|dienstleister|anbieter|partner|paketdienst|zusteller"
    r"|hersteller|zulieferer|provider|dritten|fremdfirma|versandunternehmen|hoster|rechenzentrum|drittanbieter"
    r"|logistiker|kurier)\w*"
    r"|(?:zahlungs|versand|logistik|hosting|liefer)(?:unternehmen|firma)\w*)"
)
_BRAND = (
    r"(?-i:AWS|Amazon|Azure|Google|Cloudflare|Fastly|Akamai|Stripe|Adyen|Klarna|Shopify|Salesforce|SAP|DHL|UPS"
    r"|FedEx|Hermes|DPD"
    r"|GLS|Deutschen? Post|TNT|Microsoft|Oracle)"
)
_TROUBLE = (
    r"(?:Problem\w*|Störung\w*|Ausf[aä]ll\w*|Fehler\w*|Verzögerung\w*|Panne\w*|Schwierigkeit\w*|Streik\w*"
    r"|\w*engp[aä]ss\w*)"
)
_CAUSE = (
    r"(?:wegen|aufgrund|auf Grund|durch|infolge|dank|verursacht (?:durch|von)|ausgelöst (?:durch|von)"
    r"|zurückzuführen auf|liegt (?:an|bei)|lag (?:an|bei)|schuld (?:ist|war)|bedingt durch)"
)
_FILL = (
    rf"(?:eine[nmrs]?|unsere[nmrs]?|unser|des|der|dem|den|die|das|ihre[nmrs]?|bei|beim|von|vom|externe[nmrs]?"
    rf"|{_TROUBLE})"
)
_OWNED = (
    r"\bstehen wir (?:gerade|ein)\b|\b(?:unser|mein|unserer?|unsere[mn]) (?:eigene[rnms]? )?(?:Fehler|Versäumnis"
    r"|Schuld|Verantwortung"
    r"|Entscheidung|Versagen)\b|\bwir (?:tragen|übernehmen|haben) (?:dafür )?(?:die |selbst )?(?:Verantwortung"
    r"|Schuld)\b"
    r"|\b(?:lag|liegt|liegen|ist) (?:allein )?(?:bei|an) uns\b|\bwir (?:haben|hatten) (?:Sie |es |das |die |den "
    r"|unsere? |nicht |einen |eine |zu )"
)
_DEMAND = (
    r"(?:Nachfrage|Andrang\w*|Interesses?|Ansturm\w*|Last|Aufkommens?|Bestellungen|Bestellaufkommens?"
    r"|Besucherzahl\w*|Zugriff\w*|Zugriffszahl\w*|Beliebtheit|Erfolgs?|Bestellvolumens?|Anfragen|\w+aufkommens?)"
)
_MUCH = (
    r"(?:(?:unerwartet|außergewöhnlich|ungewöhnlich|besonders|extrem|sehr) )?(?:hohe[nrms]?|höhere[nrms]?"
    r"|erhöhte[nrms]?|große[nrms]?|riesige[nrms]?|starke[nrms]?|überwältigende[nrms]?|unerwartete[nrms]?"
    r"|enorme[nrms]?|ungewöhnliche[nrms]?|außergewöhnliche[nrms]?|beispiellose[nrms]?|unvorhergesehene[nrms]?"
    r"|vielen)"
)
_PERSON = (
    r"(?:Mitarbeiter\w*|Kolleg\w*|Entwickler\w*|Techniker\w*|Praktikant\w*|Ingenieur\w*|Administrator\w*"
    r"|Angestellte\w*|Auszubildende\w*|Aushilfe\w*|Lagerist\w*|Fahrer\w*)"
)

_APOLOGY = (
    Phrase(
        Rule.INCONVENIENCE,
        r"\bUnannehmlichkeit\w*|\b(?:etwaige|eventuelle|mögliche|die|für) (?:entstandenen? )?Umstände\b"
        r"|\bUmstände, die Ihnen",
        "was hat es die Leute gekostet?",
        needs=any_of("unannehmlich|umstände"),
    ),
    Phrase(
        Rule.CONDITIONAL_SORRY,
        rf"\b(?:leid|entschuldig\w*|Entschuldigung|bedauern)\b,?{GAP}{{0,60}}?\b(?:falls|sollte[nst]*"
        rf"|möglicherweise|eventuell|wenn (?:Sie|es|das|wir|Ihnen|Ihre))\b"
        rf"|\b(?:falls|sollten?|wenn|sofern) (?:Sie|es|das|Ihnen|Ihre|wir)\b{GAP}{{0,80}}, (?:so )?(?:tut (?:es"
        rf"|uns|mir|das)|bitten wir|entschuldigen wir|bedauern wir)",
        "dass, nicht falls",
        needs=any_of("leid|entschuldig|bedauer"),
    ),
    Phrase(
        Rule.NO_AGENT,
        r"\b(?:wurden|worden|sind) (?:\w+ ){0,3}?Fehler (?:gemacht|passiert|unterlaufen|worden)"
        r"|\bFehler (?:wurden|sind) (?:gemacht|passiert|unterlaufen)|\b(?:ist|kam es zu|trat"
        r"|gab es)(?: leider)? (?:einen?|einem|ein|mehrere[rn]?) (?:\w+ )?(?:Fehlern?|Problem(?:en)?"
        r"|Störung(?:en)?|Panne)(?: aufgetreten| unterlaufen| passiert| gekommen| auf)?\b"
        r"|\bist\b[^.!?\n]{0,40}\b(?:ein|zu einem|zu) (?:\w+ )?(?:Fehlern?|Problem"
        r"|Panne)\b[^.!?\n]{0,20}\b(?:passiert|gekommen|aufgetreten|unterlaufen|geschehen)\b"
        r"|\büberverkauft (?:wurden?|worden|waren?)\b|\b(?:wurden?|worden)\b[^.!?\n]{0,40}\b(?:vertauscht"
        r"|verwechselt)\b|\b(?:wurden?|worden) (?:\w+ ){0,3}?(?:überverkauft|falsch ausgezeichnet|versehentlich"
        r"|fälschlich\w*|irrtümlich\w*)\b|\b(?:versehentlich|irrtümlich"
        r"|fälschlicherweise) (?:\w+ ){0,3}?(?:angezeigt|verkauft|ausgezeichnet|verschickt|storniert"
        r"|abgebucht) (?:worden|wurden?)\b|\bist (?:etwas|was) schief ?gegangen\b|\bist (?:etwas"
        r"|was) schiefgelaufen\b",
        "sagen, wer: wir ...",
        needs=any_of(
            "vertauscht|verwechselt|fehler|problem|störung|panne|überverkauft|ausgezeichnet|versehentlich"
            "|fälschlich|irrtümlich|schief"
        ),
        unless=r"\b(?:von uns|unser Fehler)\b",
    ),
    Phrase(
        Rule.OVER_PROMISE,
        r"\bnie (?:wieder|mehr) (?:vorkommen|passieren|geschehen)|\b(?:kommt|passiert|geschieht|wird) (?:das "
        r"|es |so etwas )?(?:sicher |ganz sicher )?nie(?:mals)? (?:wieder|mehr)\b|\bnie wieder\b|\b(?:nicht"
        r"|kein) (?:noch ?mals?|wieder|mehr) (?:vorkommen|passieren|vorkommt|passiert)|\b(?:wir )?garantieren\b"
        r"|\bseien Sie versichert\b|\berneute[rs]? \w+ (?:ist|sind) ausgeschlossen\b"
        r"|\b(?:so etwas|das|ein solche[rs]? \w+)\b[^.!?\n]{0,30}\bausgeschlossen\b",
        "was Sie ändern, wer es tut, bis wann",
        needs=any_of("ausgeschlossen|nie|nicht|kein|garantier|versichert"),
    ),
)

_BLAME = (
    Phrase(
        Rule.BLAMES_SUPPLIER,
        rf"\b{_CAUSE} (?:{_FILL} )*(?:[\w-]+ ){{0,1}}?(?:{_SUPPLIER}|{_BRAND})\b"
        rf"|\b(?:unsere?|ein|eine|der|die) (?:[\w-]+ ){{0,1}}?{_SUPPLIER} (?:hat|hatte|haben|ist|war|konnte|kann"
        rf"|meldet|meldete|verzeichnet|kämpft|verlor|lässt|ließ)\b"
        rf"|\b{_BRAND} (?:hat|hatte|ist|war|konnte|kann|meldet|verzeichnet)\b"
        rf"|\b{_TROUBLE} (?:bei|beim|von|vom|an|mit|seitens) (?:{_FILL} )*(?:[\w-]+ ){{0,1}}?(?:{_SUPPLIER}"
        rf"|{_BRAND})\b"
        rf"|\b(?:weil|da) (?:{_FILL} )*(?:[\w-]+ ){{0,1}}?(?:{_SUPPLIER}|{_BRAND})\b"
        r"|\baußerhalb unser\w+ (?:Kontrolle|Einfluss\w*|Macht|Verantwortung\w*)|\bhöhere Gewalt\b"
        r"|\bnicht (?:unsere Schuld|unser Fehler|in unserer Hand|zu vertreten)\b|\bohne unser Verschulden\b"
        r"|\bauf (?:Seiten|der Seite) (?:des|der|unseres?) " + _SUPPLIER,
        "für die Kundin ist es unser Fehler: was haben wir getan oder nicht getan?",
        needs=any_of(
            "lieferant|spedit|dienstleister|anbieter|partner|paketdienst|zusteller|hersteller|zulieferer|provider"
            "|dritten|fremdfirma|unternehmen|firma|hoster|rechenzentrum|logistiker|kurier|aws|amazon|azure|google"
            "|cloudflare|fastly|akamai|stripe|adyen|klarna|shopify|salesforce|sap|dhl|ups|fedex|hermes|dpd|gls"
            "|deutsche|tnt|microsoft|oracle|außerhalb unser|höhere gewalt|unsere schuld|unser fehler|unserer hand"
            "|zu vertreten|verschulden"
        ),
        unless=r"\bunser (?:eigener )?(?:Fehler|Versäumnis)\b",
        after=_OWNED,
    ),
    Phrase(
        Rule.BLAMES_DEMAND,
        rf"\b(?:{_CAUSE}|bei|angesichts) (?:der |die |des |das |dem |den |so |einer |eines "
        rf"|Ihrer? )*{_MUCH} (?:[\w-]+ ){{0,1}}?{_DEMAND}\b|\b{_MUCH} {_DEMAND}\b|\b{_CAUSE} (?:(?:der|des|dem"
        rf"|den|die|das|einen) )?(?:Ansturm\w*|Andrang\w*)\b"
        r"|\b(?:weil|da)\b[^.!?\n]{0,30}\b(?:so|sehr|zu) viele\b|\b(?:überrannt|überrollt|überwältigt)\b"
        r"|\b(?:Nachfrage|Interesse|Andrang|Ansturm)\b (?:hat |war |ist |überstieg|übertraf"
        r"|übersteigt)[^.!?\n]{0,40}(?:Erwartung\w*|überst\w+|übertroffen|übertraf|größer|höher|überwältigt)"
        r"|\bvom (?:Ansturm"
        r"|Andrang) (?:überrascht|überrollt)\b|\b(?:so|zu) viele (?:von Ihnen|Menschen|Kund\w+"
        r"|Besucher\w*) (?:gleichzeitig|auf einmal)\b",
        "wir haben mehr verkauft, als wir hatten; wir waren nicht auf so viele vorbereitet",
        needs=any_of(
            "sehr viele|überr|überw|nachfrage|andrang|interesse|ansturm|last|aufkommen|bestellungen|besucherzahl"
            "|zugriff|beliebtheit|erfolg|bestellvolumen|anfragen|so viele|zu viele"
        ),
        unless=r"\bwir (?:hatten|haben|waren) (?:uns |\w+ )?(?:nicht|zu wenig|schlecht)\b",
    ),
    Phrase(
        Rule.BLAMES_PERSON,
        r"\bmenschliche[snmr]? (?:Versagen\w*|Fehler\w*|Irrtum\w*)|\b(?:Bedien|Eingabe|Anwender"
        r"|Tipp)fehler (?:eine[sr]|von)\b"
        rf"|\b(?:ein|eine|einer unserer|eine unserer|unser|unsere) (?:neue[rn]? )?{_PERSON} (?:hat|hatte|haben)\b"
        rf"|\b(?:ein|eine|einer unserer|eine unserer) (?:neue[rn]? )?{_PERSON}\b[^.!?\n]{{0,60}}\b(?:falsch\w*"
        rf"|versehentlich|vergessen|verwechselt|vertippt|übersehen)\b|\b(?:Fehler|Versehen"
        rf"|Unachtsamkeit) (?:eine[sr]|unsere[sr]) (?:\w+ )?{_PERSON}",
        "wir haben nicht geprüft ...",
        needs=any_of(
            "aushilfe|lagerist|fahrer|menschlich|fehler|mitarbeiter|kolleg|entwickler|techniker|praktikant"
            "|ingenieur|administrator|angestellte|auszubildende|versehen|unachtsam"
        ),
        unless=r"\b(?:hat|haben) (?:jede|alle|Ihre?n?|Sie|Ihnen) ",
    ),
)

_ORDERS = (
    Phrase(
        Rule.DEFAULT_CANCEL,
        rf"\b(?:storniert|stornieren|gelöscht|verfällt|verfallen|gestrichen)\b{GAP}{{0,80}}\b(?:sofern|außer"
        rf"|falls|wenn|es sei denn,?)(?: wir)? (?:Sie|von Ihnen|bis)\b{GAP}{{0,60}}(?:nicht|keine?|nichts)?"
        rf"|\b(?:wenn|falls|sofern|sollten) (?:Sie|wir)\b{GAP}{{0,80}}\b(?:nicht|keine?"
        rf"|nichts)\b{GAP}{{0,80}}\b(?:storniert|stornieren(?! Sie\b)|verfällt|gelöscht)"
        rf"|\bohne (?:Ihre |deine |eine )?(?:Rückmeldung|Antwort|Bestätigung)\b{GAP}{{0,60}}(?:stornier"
        rf"|widerrufen|verfällt"
        rf"|gelöscht)|\bautomatisch (?:storniert|gelöscht)|\bstorniert\w* (?:sich|wird)? ?automatisch"
        rf"|\b(?:andernfalls|ansonsten|sonst|anderenfalls)\b{GAP}{{0,60}}(?:stornier|verfällt|verfallen|gelöscht)"
        rf"|\b(?:melden|loggen) Sie sich\b{GAP}{{0,60}}\b(?:um|und)\b{GAP}{{0,60}}(?:behalten|bestätig\w+|sichern"
        rf"|retten)|\bbestätigen Sie\b(?: bitte)?(?: erneut| noch ?einmal)?{GAP}{{0,30}}\bBestellung\b"
        rf"|\bBestellung\b{GAP}{{0,40}}\b(?:erneut|noch ?einmal|nochmals) (?:zu )?bestätigen\b",
        "der Kauf war die Bestätigung: was geschieht, wenn niemand antwortet?",
        needs=any_of("widerruf|stornier|gelöscht|verf|gestrichen|melden sie sich|loggen sie sich|bestätigen"),
        unless=r"\bnicht (?:storniert|gelöscht)\b|\b(?:müssen (?:Sie )?(?:nichts|nicht|keine)|brauchen"
        r" (?:nichts|nicht)|niemand|müssen sie nicht"
        r"|dürfen wir|müssen wir)\b|\bbleibt\b",
    ),
    Phrase(
        Rule.HEDGED_ORDER,
        r"\b(?:möglicherweise|eventuell|unter Umständen|vielleicht) (?:nicht |später |verspätet )*(?:liefern"
        r"|versenden|geliefert|ankommen|verspätet|verzögert)|\b(?:Bestellung|Artikel|Lieferung|Paket) (?:kann"
        r"|könnte) (?:sich )?(?:evtl\. |eventuell |möglicherweise )?(?:verzögern|verspäten|später)"
        r"|\beinige (?:Ihrer )?Artikel (?:können|könnten)",
        "was geschieht mit dieser Bestellung?",
        needs=any_of("möglicherweise|eventuell|unter umständen|vielleicht|kann|könn"),
    ),
)

_REACH = (
    Phrase(
        Rule.WORKS_WHEN_DOWN,
        rf"\b(?:anmelden|einloggen|meld\w+ (?:dich|Sie sich)|logge?n? (?:dich|Sie sich)|Anmeldung|Kundenkonto"
        rf"|in Ihrem Konto)\b{GAP}{{0,60}}\b(?:behalten|bestätig\w+|annehmen|wählen|sehen|prüfen|stornieren"
        rf"|antworten)\b"
        rf"|\b(?:behalten|bestätig\w+|annehmen|wählen|stornieren)\b{GAP}{{0,60}}\b(?:anmelden|einloggen|Anmeldung"
        rf"|Kundenkonto|in Ihrem Konto)\b"
        r"|\b(?:Kontakt)?formular (?:in|auf|im) (?:unserem?|unserer) (?:Shop|Website|Webseite|Seite|Laden)\b"
        r"|\bno-?_?reply@|\b(?:Postfach|Adresse) wird nicht (?:gelesen|überwacht)\b",
        "eine Antwort per Mail oder ein Anruf muss genügen; der Shop antwortet vielleicht nicht",
        needs=any_of("anmeld|einlog|melde|logge|konto|formular|reply@|wird nicht"),
        unless=r"\b(?:niemand|müssen (?:Sie )?(?:sich )?(?:nichts|nicht|keine)|brauchen (?:dafür )?kein\w*"
        r"|können sich nicht"
        r"|konnten sich nicht|wieder)\b",
    ),
)

_TIME = (
    Phrase(
        Rule.VAGUE_TIME,
        r"\bin Kürze\b|\bdemnächst\b|\b(?<!so )bald(?:ig(?:st)?)?\b(?! nach\b)|\bbaldmöglichst\b|\bso (?:bald"
        r"|schnell|rasch|früh|zügig) (?:wie|als) möglich\b|\bschnellst ?möglich\b|\bschnellstens\b|\bzeitnah\b"
        r"|\bzu gegebener Zeit\b|\bin absehbarer Zeit\b|\bumgehend\b|\bin den (?:nächsten|kommenden) (?:Stunden"
        r"|Tagen|Minuten)\b|\bgleich wieder\b|\bin wenigen (?:Minuten|Stunden|Augenblicken)\b",
        "Tag und Uhrzeit, oder die Zeit der nächsten Nachricht",
        needs=any_of(
            "kürze|demnächst|bald|so schnell|so rasch|so früh|so zügig|schnellst|zeitnah|gegebener zeit"
            "|absehbarer zeit|umgehend|in den nächsten|in den kommenden|gleich wieder|in wenigen"
        ),
    ),
    Phrase(
        Rule.VAGUE_TIME,
        r"\bsobald (?:wir (?:mehr|Näheres|Neues|weitere|Genaueres|können)|es (?:Neues|Neuigkeiten|mehr|etwas)"
        r"|(?:weitere|neue|mehr) (?:Informationen|Details))",
        "die Zeit der nächsten Nachricht, auch wenn Sie dann nicht mehr wissen",
        needs=any_of("sobald"),
        unless=r"\d{1,2}[:.]\d\d|\b\d{1,2} Uhr\b|\b\d{1,2}\. ?(?:\d|Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)",
    ),
    Phrase(
        Rule.RELATIVE_DAY,
        r"(?<!bis )(?<!von )\b(?:heute(?: früh| Morgen| Abend| Nacht| Mittag)?|gestern(?: Abend)?|vorgestern"
        r"|übermorgen|(?-i:morgen)(?! (?:ein|aus)\w*)|diese (?:Nacht|Woche)|nächste(?:r|n)? (?:Woche|Monat)"
        r"|letzte Nacht|am (?:Abend|Nachmittag|Vormittag))\b",
        "das Datum",
        needs=any_of(
            "heute|gestern|morgen|diese nacht|diese woche|nächste|letzte nacht|am abend|am nachmittag|am vormittag"
        ),
        unless=r"\b\d{1,2}\. ?(?:\d{1,2}\.|Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)",
    ),
)

_WORDS = (
    Phrase(
        Rule.EMPTY_OR_CUTE,
        r"\btechnische[nrms]? (?:Schwierigkeit\w*|Problem\w*|Störung\w*|Fehler\w*|Gründe\w*|Panne\w*|Defekt\w*)"
        r"|\bhoppla\b|\bups\b|\bhuch\b|\b(?:kleine[rs]? )?Schluckauf\b|\bGlitch\w*",
        "sagen, was nicht geht",
        needs=any_of("technisch|hoppla|ups|huch|schluckauf|glitch"),
    ),
    Phrase(
        Rule.JARGON,
        r"\bHTTP[ /-]?\d{3}\b|\b(?:Fehler|Error|Status)(?:code)? ?[45]\d\d\b|\b[45]\d\d-?er?-?Fehler"
        r"|\b[45]\d\d-Fehler\b"
        r"|\b(?:Latenz\w*|DNS|Cluster\w*|Back-?ends?|Front-?ends?|APIs?|Datenbank\w*|Kubernetes"
        r"|Load[- ]?Balancer|CDN|Cach(?:e|es|ing)|Deployment\w*|deployt|Rollback\w*|zurückgerollt|Webhooks?|SSL"
        r"|TLS|Timeouts?|Microservices?|Infrastruktur\w*|Failover|Endpoints?|Hotfix\w*|Fehlkonfiguration\w*|SLA"
        r"|Root Cause|mitigier\w+|Middleware|OAuth|SSO|DDoS|Firewalls?|Elasticsearch\w*|Redis|Postgres\w*|MySQL"
        r"|SQL|nginx|Kafka|CPU|RAM|Speicherlecks?|VPN|Proxys?|JSON|XML|JavaScript|Serverseitig\w*)\b",
        "was Kundinnen davon merken",
        needs=any_of(
            "elasticsearch|redis|postgres|sql|nginx|kafka|cpu|ram|speicherleck|vpn|prox|json|xml|javascript|http"
            "|fehler|error|status|latenz|dns|cluster|backend|back-end|frontend|front-end|api|datenbank|kubernetes"
            "|load|cdn|cach|deploy|rollback|zurückgerollt|webhook|ssl|tls|timeout|microservice|infrastruktur"
            "|failover|endpoint|hotfix|fehlkonfiguration|sla|root cause|mitigier|middleware|oauth|sso|ddos|firewall"
            "|serverseitig"
        ),
    ),
    Phrase(
        Rule.MINIMISES,
        r"\b(?:kleine[rsnm]?|geringfügige[rsnm]?|leichte[rsnm]?|kurzzeitige[rsnm]?"
        r"|minimale[rsnm]?) (?:Problem\w*|Störung\w*|Ausf[aä]ll\w*|Beeinträchtigung\w*|Verzögerung\w*"
        r"|Einschränkung\w*|Fehler\w*|Zahl|Anzahl|Teil|Gruppe)"
        r"|\bnur (?:wenige|einige|ein paar|einen? kleine[nr]?|ein kleiner|vereinzelt\w*|geringfügig"
        r"|kurz(?:zeitig)?)\b|\b(?:lediglich|nur) (?:eine? )?(?:kurze|kleine|geringe)\w*"
        r"|\bwenige[nr]? (?:Einzel)?f[aä]lle\w*|\bEinzelf[aä]ll\w*|\blediglich (?:wenige|einige|ein paar"
        r"|eine kleine|vereinzelt\w*)\b|\bgeringe (?:Zahl|Anzahl)\b|\beine Handvoll\b|\bkeine (?:nennenswerten?"
        r"|größeren?|wesentlichen?) (?:Auswirkung\w*|Folgen?)",
        "die Zahl",
        needs=any_of("fälle|einzelf|klein|geringfügig|leicht|kurz|minimal|nur|lediglich|gering|handvoll|keine"),
    ),
    Phrase(
        Rule.CANNED,
        r"\bsehr geehrte(?:r)? (?:Damen und Herren|Kund\w*)|\bwerte[rn]? Kund\w*|\bliebe[rn]? Kund\w*"
        r"|\bgeschätzte[rn]? Kund\w*|\b(?:ist|sind) uns (?:sehr |besonders )?wichtig\b|\b(?:danke|dank"
        r"|bedanken uns|dankbar)\b[^.!?\n]{0,20}\b(?:Geduld|Verständnis)\b|\b(?:bitten"
        r"|hoffen)\b[^.!?\n]{0,20}\b(?:Verständnis|Nachsicht)\b"
        r"|\bliegt uns (?:sehr |besonders )?am Herzen\b|\bbitte (?:antworten Sie )?nicht auf diese\b"
        r"|\bnehmen\b[^.!?\n]{0,30}\bsehr ernst\b|\b(?:Artikel|Bestellung|Kunde|Kunden|Paket)\((?:n|en|innen"
        r"|e)\)|\bmit Hochdruck\b|\bbei Fragen oder Anregungen\b"
        r"|\bantworte(?:n Sie)? (?:bitte )?nicht auf diese\b",
        "Name und Sachverhalt",
        unless=r"\bnicht um\b",
        needs=any_of(
            "antworte|am herzen|geehrte|werte|liebe|geschätzte|wichtig|dank|bitten|hoffen|bitte|ernst|artikel("
            "|bestellung("
            "|kunde(|kunden(|paket(|hochdruck|anregungen"
        ),
    ),
    Phrase(
        Rule.CANNED,
        r"\b(?:bitten|bitte)\b[^.!?\n]{0,30}\bGeduld\b|\b(?:haben|hab) (?:Sie )?(?:bitte )?(?:noch )?(?:etwas "
        r"|ein wenig )?Geduld\b",
        "um Geduld bittet nur, wer zugleich verspricht zu schreiben, wenn es wieder geht",
        needs=any_of("geduld"),
        unless=r"\b(?:versprechen|schreiben Ihnen|sagen Ihnen|melden uns|nächste Meldung)\b",
    ),
)

GERMAN = Language(
    phrases=(*_APOLOGY, *_BLAME, *_ORDERS, *_REACH, *_TIME, *_WORDS),
    capitals_are_names=False,
    reader=r"\b(?-i:Sie|Ihnen|Ihre?[mnrs]?|[Dd]u|[Dd]ir|[Dd]ich|[Dd]eine?[mnrs]?|[Ee]uch|[Ee]ure?[mnrs]?|[Ii]hr)\b",
    zone=r"\b(?-i:UTC|GMT|ME[S]?Z|CES?T|WES?Z|OES?Z|Z)\b|[+-]\d\d:?\d\d\b|\b(?:Orts|Landes|\w+er )[zZ]eit\b"
    r"|\bdeutscher Zeit\b|\b(?-i:[A-Z]\w+/[A-Z]\w+)",
    clock=r"(?<![\d:.,/-])(?:[01]?\d|2[0-4]):[0-5]\d(?![\d:])|\b(?:[01]?\d|2[0-4])(?:\.[0-5]\d)? Uhr\b",
    each_day=r"\b(?:täglich|werktags|(?:mon|diens|donners|frei|sams|sonn)tags|mittwochs|jeden Tag|Mo\.?[–-]"
    r"|Öffnungszeiten|Servicezeiten|geöffnet)\b",
    dates=r"\b\d{1,2}\. ?(?:Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez)\w*(?: \d{4})?|\d{4}-\d\d-\d\d"
    r"|\b\d{1,2}\.\d{1,2}\.(?:\d{2,4})?|\d{1,2}[:.]\d\d(?: ?(?:Uhr|UTC))?|\b\d{1,2} Uhr\b",
    place_or_number=r"\d|\b(?-i:(?:in|aus|nach) (?:der |den |dem )?[A-ZÄÖÜ]\w+(?:land|reich|burg|berg"
    r"|stadt|schweiz|Schweiz"
    r"|Europa)?)\b|\b(?:zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|hundert|tausend|Hälfte|Drittel"
    r"|Viertel)\b|%|\bProzent\b",
    unquantified=r"\b(?:einige[nrm]?|manche[nrm]?|mehrere[nrm]?|viele[nrm]?|etliche[nrm]?|die meisten|den meisten"
    r"|wenige[nrm]?|diverse[nrm]?|verschiedene[nrm]?|bestimmte[nrm]?|(?:ein|einem|einen) (?:\w+ )?Teil"
    r"|eine (?:\w+ )?(?:Zahl"
    r"|Anzahl|Reihe|Gruppe))(?: der| unserer| von| Ihrer)?(?: [\w-]+){0,2}? (?:Kund\w+|Nutzer\w*|Menschen|Leute"
    r"|Personen|Bestellung\w*|Besucher\w*|Konten|Pakete?n?|Lieferung\w*|Zahlung\w*|Seiten|Filialen|Länder\w*"
    r"|Regionen|Artikel\w*|Produkte?n?|Anfragen|Kundschaft)\b",
    unquantified_needs=any_of(
        "einige|manche|mehrere|viele|etliche|meisten|wenige|diverse|verschiedene|bestimmte|teil|zahl|reihe|gruppe"
    ),
    unquantified_hint="wie viele, welche, wo",
    zone_hint="UTC, MEZ, MESZ",
    stock=r"(?:wir (?:untersuchen|prüfen|analysieren)(?: derzeit| aktuell| weiterhin| gerade| weiter)*(?: (?:das"
    r"|dieses|den|diesen|die|diese) (?:Problem|Fehler|Vorfall|Störung))?(?: derzeit| aktuell| gerade"
    r"| weiter)?(?: und (?:informieren|melden)[^.]{0,60})?"
    r"|wir arbeiten (?:derzeit |weiterhin |gerade |bereits )*(?:an|mit)\b[^.]{0,60}|(?:das|dieses|der|dieser|die"
    r"|diese) (?:Problem|Fehler|Störung|Vorfall|Ursache) (?:wurde|ist|konnte)(?: inzwischen| nun"
    r"| jetzt)? (?:behoben|gelöst|identifiziert|gefunden|erkannt|beseitigt|behoben werden)(?: und [^.]{0,60})?"
    r"|eine (?:Lösung|Fehlerbehebung|Korrektur) (?:wurde|wird)[^.]{0,80}|alle (?:Systeme|Dienste) (?:laufen|sind"
    r"|funktionieren)[^.]{0,40}|die (?:geplanten? )?Wartung(?:sarbeiten)? (?:ist|sind|wurde|wurden"
    r"|läuft) (?:abgeschlossen|beendet|im Gange)?|wir (?:informieren|halten) Sie[^.]{0,60}|behoben|erledigt)",
)
