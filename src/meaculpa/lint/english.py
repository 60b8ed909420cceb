"""The text rules for English."""

from meaculpa.lint.phrases import GAP, Language, Phrase, any_of
from meaculpa.lint.rules import Rule

_SUPPLIER = (
    r"(?:suppliers?|carriers?|providers?|vendors?|partners?|couriers?|bank|acquirer|(?:payment"
    r"|card) processors?|gateways?"
    r"|third[- ]part(?:y|ies)"
    r"|manufacturers?|wholesalers?|contractors?|subcontractors?|(?:logistics|shipping|hosting|delivery|parcel"
    r"|payment|cloud) compan(?:y|ies)"
    r"|postal services?|hauliers?|warehouse operators?|network operators?|data ?cent(?:er|re)s?|upstream|hosts?"
    r"|platform)"
)
_BRAND = (
    r"(?-i:AWS|Amazon|Azure|Google(?: Cloud)?|Cloudflare|Fastly|Akamai|Stripe|Adyen|Klarna|Worldpay|Braintree"
    r"|Shopify|Magento"
    r"|Salesforce|SAP|DHL|UPS|FedEx|USPS|Royal Mail|Hermes|Evri|DPD|GLS|Deutsche Post|TNT|Yodel|Parcelforce|La Poste"
    r"|PostNL|Twilio|SendGrid|Zendesk|Oracle|Microsoft)"
)
_METHOD = r"(?-i:PayPal|Visa|Mastercard|American Express|Apple Pay)"
_TROUBLE = (
    r"(?:problems?|issues?|outages?|failures?|delays?|errors?|downtime|disruptions?|faults?|incidents?|strikes?"
    r"|mistakes?)"
)
_FILL = (
    rf"(?:an?|the|our|their|its|one of our|some|with|at|by|from|of|in|on|external|third-party|major|global"
    rf"|{_TROUBLE})"
)
_CAUSE = (
    r"(?:due to|owing to|because of|caused by|as a result of|thanks to|down to|attributable to|results? from"
    r"|resulted from"
    r"|resulting from|stem(?:s|med|ming) from|on account of|triggered by|traced (?:back )?to|originat\w+ (?:from"
    r"|with|at|in)|the fault of|blame)"
)
_IS_TROUBLED = (
    r"(?:(?:is|are|was|were)(?: currently| still| also| now)? (?:experiencing|having|suffering|down|unavailable"
    r"|unable|offline|late"
    r"|at fault|responsible|to blame|out of|investigating)"
    r"|(?:has|have|had)(?: had| been| just| now| again)*(?: failed| lost| let| caused| delayed| made| broken"
    r"| experienc\w+| suffer\w+| reported| informed"
    rf"| told| confirmed| not| an?(?: \w+)? {_TROUBLE}| {_TROUBLE}| technical)"
    r"|failed|lost|let|delayed|caused|made|broke|suffered|experienced|informed|told us|did not|didn[’']t|cannot"
    r"|could not|couldn[’']t|went down)"
)
_OWNED = (
    r"\bwe answer for (?:it|that|this)\b|\b(?:our|my) (?:own )?(?:mistake|fault|failure|responsib\w+|doing"
    r"|choice|decision|error)\b"
    r"|\bwe (?:are|were|take|accept|bear|own)\b[^.!?\n]{0,30}\b(?:responsib\w+|wrong|to blame|at fault)\b"
    r"|\b(?:is|was|lies|lay|are) (?:entirely |all |and was )?(?:ours|with us|on us|our own)\b|\bwe own (?:it"
    r"|this|that)\b"
    r"|\bwe (?:failed|did not|didn[’']t|should have|ought to have|chose|let you down|lost|broke|switched|changed"
    r"|forgot|sold)\b"
)
_DEMAND = (
    r"(?:demand|traffic|interest|popularity|volumes?|load|orders|visitors|response|rush|sales|success|usage"
    r"|numbers? of (?:orders|customers|visitors|people|shoppers|requests|you))"
)
_MUCH = (
    r"(?:unprecedented|overwhelming|extraordinar\w+|exceptional\w*|(?:very |extremely |unusually |unexpectedly "
    r"|abnormally |exceptionally |particularly |such )?high(?:er)?|unexpected|record|increased"
    r"|heavy|heavier|huge|enormous|massive|strong|large|unusual|sheer|peak|incredible|tremendous|great|amazing"
    r"|unforeseen)"
)
_PERSON = (
    r"(?:engineers?|employees?|colleagues?|developers?|technicians?|interns?|contractors?|operators?"
    r"|staff members?|team members?|workers?"
    r"|administrators?|trainees?|agents?|members? of (?:our |the )?(?:staff|team)|packers?|drivers?|pickers?"
    r"|clerks?|cashiers?|trainee|person|someone|somebody|temps?)"
)
_NOT_NEEDED = (
    r"\b(?:need not|needn[’']t|(?:do|does|did) not (?:need|have)|(?:don|doesn)[’']t (?:need|have)|no need|nobody"
    r"|never|nothing to|without (?:logging|confirming|having|doing))\b"
)

_APOLOGY = (
    Phrase(
        Rule.INCONVENIENCE,
        r"\b(?:any|the|this|that|your|all|potential|possible|an) (?:\w+ )?inconveniences?\b"
        r"|\binconveniences? (?:this|that|it|we|you|caused|may|might)\b"
        rf"|\b(?:sorry|apolog\w+|regrets?)\b{GAP}{{0,40}}\binconvenien\w+"
        rf"|\bhow inconvenient (?:this|it) (?:is|was|has been)\b",
        "name the harm: what could they not do?",
        needs=any_of("inconvenien"),
        unless=r"\b(?:more|worse) than an? inconvenience\b",
    ),
    Phrase(
        Rule.CONDITIONAL_SORRY,
        r"\b(?:sorry|apologi[sz]e|apologies|regret),?(?: [^.!?;:,\n]{0,60}?)?\b(?:if|in case|should) (?:you|your"
        r"|this|it|any\w*|we|the)\b"
        r"|\b(?:sorry|apologi[sz]e|apologies|regret)\b[^.!?;\n]{0,60}?\b(?:may|might|could) (?:have|be|cause)\b"
        r"|\b(?:if|should) (?:you|your|this|it|any\w*|we)\b[^.!?\n]{0,80}, ?(?:then )?(?:please accept|we"
        r"|I)(?: (?:are|am|our))?(?: \w+)? (?:sorry|apolog)",
        "sorry that, not sorry if",
        needs=any_of("sorry|apolog|regret"),
    ),
    Phrase(
        Rule.NO_AGENT,
        r"\b(?:mistakes?|errors?) (?:was|were|has been|have been|got) made\b"
        r"|\b(?:an?|some|several|unexpected) (?:[\w-]+ ){0,2}(?:errors?|mistakes?|issues?|problems?|faults?"
        r"|failures?) (?:has |have )?(?:occurred|arisen|arose|happened)\b"
        r"|\b(?:w(?:as|ere)|been|got) (?:accidentally |mistakenly |inadvertently |incorrectly "
        r"|unfortunately )?(?:oversold|mispriced|mislabell?ed|double[- ]booked|misplaced|miscounted)\b"
        r"|\b(?:w(?:as|ere)|been) (?:\w+ )?(?:shown|sold|sent|displayed|listed|advertised|priced"
        r"|shipped) (?:in error|by mistake|by accident|incorrectly|wrongly)\b"
        r"|\b(?:w(?:as|ere)|been) (?:incorrectly|wrongly|mistakenly|accidentally|inadvertently"
        r"|erroneously) (?:shown|sold|sent|displayed|listed|advertised|priced|shipped|charged|cancelled)\b"
        r"|\b(?:an?|the|some) (?:incorrect|wrong|false|invalid) (?:[\w-]+ )?(?:was|were) (?:displayed|shown|sent"
        r"|charged|listed|applied|delivered|printed|used)\b|\b(?:was|were|got|been) mixed up\b"
        r"|\bsomething (?:has )?(?:went|gone) wrong\b|\bthings went wrong\b"
        r"|\b(?:an?|the) (?:[\w-]+ )?(?:error|mistake|bug|fault) (?:was|has been) (?:introduced|made)\b",
        "say who: we ...",
        needs=any_of(
            "introduced|incorrect|false|invalid|mixed up|made|occurred|arisen|arose|happened|oversold|mispriced"
            "|mislabel"
            "|booked|misplaced|miscounted|in error|by mistake|by accident|incorrectly|wrong|mistakenly|accidentally"
            "|inadvertently|erroneously"
        ),
        unless=r"\b(?:by us|our mistake|our fault|our own)\b",
    ),
    Phrase(
        Rule.OVER_PROMISE,
        r"(?:\bnever|\bnot|n[’']t|\bno longer)(?: ever)? (?:happen|occur|be repeated|repeat(?: itself)?"
        r"|recur)(?: to you)?(?: ever)?(?: again| in (?:the )?future|\b)"
        r"|\bnever again\b"
        r"|\brest assured\b|\bnever (?:see|experience|have|face|go through) (?:this|it|that"
        r"|such a thing) again\b|\b100 ?% (?:reliable|safe|secure|stable|fixed)|\bonce and for all\b"
        r"|\bpermanently fixed\b|\bno repeat\b|\bevery possible (?:step|measure)\b"
        r"|\bnothing like (?:this|that|it)\b[^.!?\n]{0,25}\bagain\b|\b(?:we|I)(?: can| will| fully| absolutely"
        r"| personally)* guarantee\b|\bis guaranteed\b",
        "what you change, who does it, by when",
        needs=any_of(
            "nothing like|happen|occur|be repeated|not repeat|never again|never repeat|longer repeat|t repeat"
            "|ever repeat"
            "|no repeat|recur|guarant|rest assured|every possible|this again|that again|it again|thing again|100%"
            "|100 %|once and for all|permanently"
        ),
        unless=r"\bso that\b.*\bagain:",
    ),
)

_BLAME = (
    Phrase(
        Rule.BLAMES_SUPPLIER,
        rf"\b{_CAUSE} (?:{_FILL} )*(?:[\w’'-]+ ){{0,2}}?(?:{_SUPPLIER}|{_BRAND}|{_METHOD})\b"
        rf"|\b(?:our|the|an?|their|one of our|some of our) (?:[\w’'-]+ ){{0,2}}{_SUPPLIER} {_IS_TROUBLED}\b"
        rf"|\b{_BRAND} {_IS_TROUBLED}\b"
        rf"|\b{_TROUBLE} (?:at|with|by|of|from|in|on) (?:(?:an?|our|the|one of our"
        rf"|some of our) )?(?:[\w’'-]+ ){{0,2}}?(?:{_SUPPLIER}|{_BRAND})\b"
        rf"|\b(?:an?|the|our|some) (?:[\w’'-]+ ){{0,2}}?{_SUPPLIER}(?:[’']s)? {_TROUBLE}\b"
        rf"|\b(?:third[- ]party|upstream|external|provider|vendor|supplier) {_TROUBLE}\b"
        r"|\b(?:beyond|outside|out)(?: of)? our (?:control|hands|influence)\b|\b(?:not|isn[’']t"
        r"|wasn[’']t) our (?:fault|mistake|doing)\b|\bno fault of (?:ours|our own)\b|\bforce majeure\b"
        rf"|\b(?:lost|delayed|damaged|misplaced|mishandled|held up|caused|broken) by (?:(?:an?|our|the"
        rf"|one of our) )?(?:[\w’\'-]+ ){{0,2}}?(?:{_SUPPLIER}|{_BRAND})\b|\bon (?:their|the {_SUPPLIER}[’']s"
        rf"|our {_SUPPLIER}[’']s) (?:end|side)\b|\bwaiting (?:for|on) (?:our|the"
        rf"|a) (?:[\w’'-]+ ){{0,2}}{_SUPPLIER} to\b"
        rf"|\b(?:lies|lay|rests|sits|lie) (?:with|at) (?:(?:an?|our|the"
        rf"|one of our) )?(?:[\w’'-]+ ){{0,2}}?(?:{_SUPPLIER}|{_BRAND})\b",
        "in the customer's eyes it is ours: say first what we did, or did not do",
        needs=any_of(
            "supplier|carrier|provider|vendor|partner|courier|bank|acquirer|processor|gateway|third-part|third part"
            "|manufacturer|wholesaler|contractor|compan|postal service|haulier|operator|data cent|datacent|upstream"
            "|host|platform|external|our control|our hands|our influence|our fault|our mistake|our doing"
            "|fault of ours|fault of our own|force majeure|their end|their side|aws|amazon|azure|google|cloudflare"
            "|fastly|akamai|stripe|adyen|klarna|worldpay|braintree|shopify|magento|salesforce|sap|dhl|ups|fedex"
            "|usps|royal mail|hermes|evri|dpd|gls|deutsche post|tnt|yodel|parcelforce|la poste|postnl|twilio"
            "|sendgrid|zendesk|oracle|microsoft|paypal|visa|mastercard|american express|apple pay"
        ),
        unless=r"\bwe (?:chose|misconfigured|switched|did not|didn[’']t|failed to|forgot|broke|sent|gave)\b"
        r"|\bour (?:own )?(?:mistake|fault|failure|error)\b|\bis our (?:own )?(?:problem|responsibility|job)\b"
        r"|\bwe relied\b",
        after=_OWNED,
    ),
    Phrase(
        Rule.BLAMES_DEMAND,
        rf"\b(?:{_CAUSE}|given|amid|experiencing|seeing) (?:(?:the|an?|such|very|our|your"
        rf"|of) )*{_MUCH} (?:(?!large|high|CPU|memory|disk|write|query|database)[\w’'-]+ ){{0,2}}?{_DEMAND}\b"
        rf"|\b{_CAUSE} (?:(?:the|an?|our|your) )?(?:[\w’'-]+ ){{0,2}}?(?:demand|popularity|rush|success of)\b"
        rf"|\b{_CAUSE} (?:(?:the|an?|our|your) )?(?:[\w’'-]+ ){{0,2}}?(?:surge|spike|influx|flood|wave) (?:in"
        rf"|of) (?:[\w-]+ )?{_DEMAND}\b"
        r"|\b(?:demand|interest|traffic|orders?|popularity) (?:has |have )?(?:exceeded|outstripped|surpassed"
        r"|overwhelmed|outpaced)\b"
        rf"|\b(?:were|was|been|are|is) overwhelmed (?:by|with)\b|\bhigher[- ]than[- ](?:usual|expected|normal"
        rf"|anticipated|average) (?:[\w-]+ )?{_DEMAND}\b"
        r"|\bmore (?:demand|orders|visitors|interest|customers) than (?:we )?(?:expected|usual|anticipated"
        r"|normal|ever)\b"
        r"|\b(?:so|too|very) many (?:of you|people|customers|visitors|orders|shoppers)\b(?: (?:are|were|have"
        r"|had))? (?:want|tr[iy]|order|came|visit|at once|shop|log)"
        r"|\bblown away by\b|\bstruggl\w+ to keep up\b|\boverrun (?:by|with)\b|\bflooded (?:by|with)\b"
        r"|\b(?:unprecedented|overwhelming|extraordinary|exceptional|incredible|tremendous|record|huge|massive"
        r"|(?:exceptionally|unusually|extremely|unexpectedly|very) high) (?:demand|traffic|interest|popularity"
        r"|response)\b"
        rf"|\bowing to your\b|\b(?:thanks to|due to|because of|by) your (?:enthusiasm|interest|support|loyalty)\b"
        rf"|\bbusier than (?:ever|usual|we)\b|\bexceeded (?:all )?(?:of )?(?:our )?(?:wildest )?expectations\b",
        "we sold more than we had; we had not prepared for so many of you",
        needs=any_of(
            "owing to your|enthusiasm|your interest|your support|your loyalty|busier|expectations|blown away"
            "|keep up|overrun|flooded|very many|unprecedented|overwhelm|extraordinar|exceptional|high"
            "|unexpected|record|increased|heav|huge|enormous|massive|strong|large|unusual|sheer|peak|incredible"
            "|tremendous|great|amazing|unforeseen|demand|popularity|rush|success of|surge|spike|influx|flood|wave"
            "|exceeded|outstripped|surpassed|outpaced|more visitors|more orders|more customers|more interest"
            "|so many|too many"
        ),
        unless=r"\bwe (?:had not|hadn[’']t|did not|didn[’']t|failed to|should have) (?:prepared?|plan\w*|test\w*"
        r"|build"
        r"|built|ma[dk]e)\b",
    ),
    Phrase(
        Rule.BLAMES_PERSON,
        r"\b(?:somebody|someone) (?:had |has |accidentally |mistakenly )?(?:made|forgot\w*|deleted|entered"
        r"|pressed|pushed|typed|clicked|unplugged)\b"
        r"|\b(?:human|operator|user|clerical|employee|staff|administrator|admin|typing|pilot) (?:error|mistake)s?\b"
        rf"|\b(?:an?|one|one of our|one of the|some|our|the|two) (?:[\w-]+ ){{0,2}}{_PERSON}(?: (?:had|has|have"
        rf"|who|was|in \w+(?: \w+)?|on \w+ \w+|accidentally|mistakenly|inadvertently))* "
        rf"(?:made(?! us| sure| you| it)|mis\w+|accidentally|inadvertently|mistakenly|forgot\w*|failed|deleted"
        rf"|entered|pressed|pushed|typed|overlooked|neglected|caused|clicked|did not|didn[’']t|careless|negligent"
        rf"|inattentive|confused|unplugged|mixed up|swapped|(?:deployed|uploaded|sent|packed|picked|changed"
        rf"|published|ran|used|put|chose|selected|switched)\b{GAP}{{0,30}}\b(?:wrong|incorrect|faulty"
        rf"|by mistake))\b"
        rf"|\b(?:mistake|error|fault|oversight|slip|carelessness|typo) (?:by|of|from|on the part of) (?:an?|one"
        rf"|one of our|our|some) (?:[\w-]+ ){{0,2}}{_PERSON}\b"
        rf"|\b(?:the|an?) {_PERSON} (?:responsible|at fault|concerned|in question)\b",
        "we did not check ...; we let it through",
        needs=any_of(
            "packer|driver|picker|clerk|cashier|error|mistake|engineer|employee|colleague|developer|technician"
            "|intern|contractor|operator|staff|team member|worker|administrator|trainee|agent|member|person|someone"
            "|somebody|temp"
        ),
        unless=r"\b(?:was|is) our\b",
    ),
)

_ORDERS = (
    Phrase(
        Rule.DEFAULT_CANCEL,
        rf"\b(?:will|may|shall|must|would|could|is"
        rf"|are)(?: then)?(?: be)?(?: automatically)?(?: be)? (?:cancel(?:l?ed)?|void(?:ed)?"
        rf"|forfeit(?:ed)?)\b{GAP}{{0,80}}\b(?:unless|if you (?:do not|don[’']t|fail|haven[’']t|have not)"
        rf"|if we (?:do not|don[’']t) (?:hear|receive))"
        rf"|\bunless (?:you|we)\b{GAP}{{0,100}}\b(?:we|it|orders?|they|items?)(?:[’']ll| will| shall| must| may"
        rf"| have to| has to| is| are)? (?:be )?(?:automatically )?cancel"
        rf"|\bif (?:you do not|you don[’']t|you fail to|you have not|you haven[’']t|we do not|we don[’']t"
        rf"|we hear nothing|we have not|no reply|no answer)\b{GAP}{{0,100}}\b(?:cancel|los[et]|forfeit|void)"
        r"|\bautomatic(?:ally)? cancel"
        rf"|\borders?\b{GAP}{{0,30}}\b(?:without|not (?:confirmed|answered|accepted))\b{GAP}{{0,60}}\b(?:get|be"
        rf"|are|is) cancel|\b(?:need to|must"
        rf"|have to|required to|should)\b{GAP}{{0,60}}\bto keep (?:your|the|this|it)\b"
        rf"|\b(?:no|without an?|without your) (?:answer|reply|response|confirmation)\b{GAP}{{0,60}}\bcancel"
        rf"|\bor(?: else)? (?:it|your orders?|the order|we|they)(?:[’']ll| will| shall| may| must| is"
        rf"| have to)?(?: be| have to)?(?: automatically)? cancel|\botherwise\b{GAP}{{0,50}}\bcancel"
        rf"|\b(?:log|sign) ?(?:in|on)\b{GAP}{{0,60}}\b(?:keep|confirm|save|secure|avoid|prevent)\b|\b(?:click"
        rf"|reply|respond|act|confirm)\b{GAP}{{0,60}}\b(?:to (?:keep|save|secure) your|to (?:avoid"
        rf"|prevent) cancell?ation|or (?:you )?(?:will )?lose)"
        r"|\b(?:please|must|need to|have to|should|asked to"
        r"|required to) (?:re-?)?confirm (?:again )?(?:that you (?:still )?want |you (?:still )?want "
        r"|whether you (?:still )?want )?(?:to keep )?(?:your|the|this|it\b)(?: orders?)?"
        rf"|\b(?:result in|lead to|leads to|means?) (?:the )?(?:automatic )?cancell?ation\b",
        "clicking buy was the confirmation: say what happens if you hear nothing, and keep the order",
        needs=any_of("cancel|void|forfeit|lose|lost|keep|confirm|save|secure|prevent"),
        unless=_NOT_NEEDED,
    ),
    Phrase(
        Rule.HEDGED_ORDER,
        r"\b(?:may|might|could) not be able to (?:deliver|ship|send|fulfil)|\bsome (?:of your )?items? (?:may"
        r"|might|could)\b"
        r"|\b(?:orders?|items?|parcels?|deliver(?:y|ies)|it|refunds?) (?:may|might|could) (?:be (?:delayed|late"
        r"|cancelled|affected)|arrive late|take longer|not (?:arrive|ship))\b",
        "say what will happen to this order",
        needs=any_of("may|might|could"),
    ),
)

_REACH = (
    Phrase(
        Rule.WORKS_WHEN_DOWN,
        rf"\b(?:log|sign)(?:ging|ing)? ?(?:in|on)(?:to| to)?\b{GAP}{{0,60}}\b(?:keep|confirm|accept|choose|view"
        rf"|see|check"
        rf"|claim|answer|reply|cancel)\b"
        rf"|\b(?:keep|confirm|accept|choose|claim|answer|cancel)\b{GAP}{{0,60}}\b(?:log|sign)(?:ging|ing)? ?(?:in"
        rf"|on)\b"
        r"|\b(?:contact )?form (?:on|in|at) our (?:web ?site|site|shop|store|app)\b|\b(?:no|do-?not)-?_?reply@"
        r"|\b(?:mailbox|address|inbox) is not (?:read|monitored|checked)\b"
        r"|\b(?:only|solely) (?:in|via|through|from) your (?:online |customer )?account\b"
        r"|\b(?:go to|open) (?-i:My Account)\b|\bin your customer account\b",
        "a reply by mail or a call must be enough; the shop may not answer",
        needs=any_of(
            "log in|log on|login|logon|logging|sign in|sign on|signin|signon|signing|form on our|form in our"
            "|form at our|reply@|is not read|is not monitored|is not checked|only in|only via|only through"
            "|only from|solely|my account|your customer account"
        ),
        unless=rf"{_NOT_NEEDED}|\bwe (?:did|do|could|had|have)\b|\b(?:cannot|can[’']t|could not|couldn[’']t|unable"
        rf"|again|works?|worked|fails?|failed)\b",
    ),
)

_TIME = (
    Phrase(
        Rule.VAGUE_TIME,
        r"\bshortly\b(?! (?:after|before)\b)|\bsoon\b(?! (?:after|before)\b)(?<!as soon)(?<!too soon)|\basap\b"
        r"|\bas (?:soon|quickly|fast|promptly) as (?:possible|we can|we are able|practicable|it is possible"
        r"|is possible)\b"
        r"|\bin due (?:course|time)\b|\bmomentarily\b|\bin the (?:near|coming|foreseeable) (?:future|hours"
        r"|days)\b|\b(?:in|over) the next (?:few|couple of) (?:minutes|hours|days|weeks)\b"
        r"|\bbefore (?:too )?long\b"
        r"|\bany (?:time|minute|moment) now\b|\bin a (?:little|short|bit|moment)\b|\bat (?:our"
        r"|the) earliest (?:opportunity|convenience)\b|\bat some point\b|\bas (?:and|or) when\b"
        r"|\bin no time\b|\bback up and running\b",
        "a day and a time, or the time of the next update",
        needs=any_of(
            "in no time|back up|the next few|the next couple|shortly|soon|asap|as quick|as fast|as prompt"
            "|due course|due time"
            "|momentarily|in the near|in the coming|foreseeable|before long|before too long|any time|any minute"
            "|any moment|in a little|in a short|in a bit|in a moment|earliest|at some point|as and when|as or when"
        ),
        unless=r"\ba short walk\b",
    ),
    Phrase(
        Rule.VAGUE_TIME,
        r"\b(?:as soon as|when|once) (?:we (?:know|have|learn|get|find)\b(?: out)? (?:more|further|new|an update"
        r"|any|additional)|more (?:information|details?) (?:is|are|becomes?)|(?:there is|there[’']s) (?:more|an"
        r"|any|news))"
        r"|\bas soon as (?:we have|there is|there are) (?:news|information|updates?|details)\b"
        r"|\bupdates? (?:will be provided )?as (?:necessary|needed|available|they become available"
        r"|appropriate)\b",
        "the time of the next update, even if you know no more by then",
        needs=any_of(
            "as soon as|when we|once we|when more|once more|when there|once there|as necessary|as needed"
            "|as available|as they become|as appropriate"
        ),
        unless=r"\d{1,2}[:.]\d\d|\b\d{1,2} ?(?:am|pm)\b|\b\d{1,2} (?:jan|feb|mar|apr|may"
        r"|jun|jul|aug|sep|oct|nov|dec)",
    ),
    Phrase(
        Rule.RELATIVE_DAY,
        r"\b(?:(?:today|tomorrow|yesterday|tonight)(?![’']s)|this (?:morning|afternoon|evening|week)"
        r"|next (?:week|month)|last (?:night|week|evening)|(?:later|earlier) (?:today|this))\b",
        "the date",
        needs=any_of(
            "today|tomorrow|yesterday|tonight|this morning|this afternoon|this evening|this week|next week"
            "|next month|last night|last week|last evening|later this|earlier this"
        ),
        unless=r"\b\d{1,2}(?:st|nd|rd|th)?\.? (?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
        r"|\b(?:jan|feb"
        r"|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w* \d{1,2}\b",
    ),
)

_WORDS = (
    Phrase(
        Rule.EMPTY_OR_CUTE,
        r"\btechnical (?:difficult\w+|issues?|problems?|hitch\w*|errors?|reasons?|challenges?|faults?|troubles?"
        r"|glitch\w*)\b|\bw?h?oops(?:ie|y)?\b|\buh[- ]?oh\b|\bglitch\w*|\bhiccup\w*|\bgremlins?\b|\b(?:hit"
        r"|hitting) an? (?:\w+ )?(?:snag|bump|hitch)\b|\bhamsters?\b|\bplaying up\b|\b(?-i:IT) (?:issues?"
        r"|problems?|difficult\w+)\b|\b(?:system|computer) (?:issues|problems|difficulties)\b"
        r"|\bhaving a (?:moment|wobble|bad day)\b"
        r"|\bsystem (?:issue|problem|error)s?\b",
        "say what fails",
        needs=any_of(
            "hitch|hamster|playing up|it issue|it problem|it difficult|system |computer |having a |technical|oops"
            "|uh-oh|uh oh|uhoh|glitch|hiccup|gremlin|snag|bump"
        ),
    ),
    Phrase(
        Rule.JARGON,
        r"\bHTTP[ /]?\d{3}\b|\b[45]\d\d (?:errors?|responses?|status(?:es)?|codes?)\b"
        r"|\berrors? (?:code )?[45]\d\d\b",
        "what customers see of it",
        needs=any_of("http|error| response| status| code"),
    ),
    Phrase(
        Rule.JARGON,
        r"\b(?:latenc(?:y|ies)|DNS|clusters?|back-?ends?|front-?ends?|APIs?|databases?|server-side|replicas?"
        r"|replication|Kubernetes|load[- ]balanc\w+|CDN|cach(?:e|es|ing)|deploy(?:ment|ments|ed|ing)?"
        r"|roll(?:ed|ing)?[- ]?backs?|webhooks?|SSL|TLS|time-?outs?|throughput|microservices?|infrastructure"
        r"|fail-?over|packet loss|BGP|upstream|downstream|endpoints?|hotfix\w*"
        r"|misconfigur\w+|SLA|RCA|root cause|degrad(?:ed|ation)|error rates?|mitigat\w+|remediat\w+|middleware"
        r"|payloads?|OAuth|SSO|DDoS|virtual machines?|firewalls?|Elasticsearch|Redis|Postgres\w*|MySQL|SQL|nginx"
        r"|Varnish|Kafka|RabbitMQ|CPU|RAM|memory leaks?|cron ?jobs?|VPN|prox(?:y|ies)|JSON|XML|JavaScript"
        r"|elevated (?:errors?|latenc\w+)|backlogs?)\b",
        "what customers see of it",
        needs=any_of(
            "elasticsearch|redis|postgres|sql|nginx|varnish|kafka|rabbitmq|cpu|ram|memory leak|cron|vpn|prox|json"
            "|xml|javascript|latenc|dns|cluster|backend|back-end|frontend|front-end|api|database|server-side"
            "|replica|kubernetes|balanc|cdn|cache|caching|deploy|rollback|roll back|roll-back|rolled back"
            "|rolled-back|rolling back|rolling-back|rolledback|rollingback|webhook|ssl|tls|time-out|timeout"
            "|throughput|microservice|infrastructure|failover|fail-over|packet loss|bgp|upstream|downstream"
            "|endpoint|hotfix|misconfigur|sla|rca|root cause|degrad|error rate|mitigat|remediat|middleware|payload"
            "|oauth|sso|ddos|virtual machine|firewall|elevated|backlog"
        ),
    ),
    Phrase(
        Rule.MINIMISES,
        r"\b(?:minor|slight|brief|tiny) (?:issues?|problems?|disruptions?|outages?|interruptions?|impact"
        r"|incidents?|delays?|degradation|inconvenience|errors?)\b"
        r"|\b(?:small|limited|tiny|very small) (?:numbers?|percentage|subset|fraction|proportion|group|portion"
        r"|minority)\b"
        r"|\bonly (?:a (?:few|small|handful|limited|fraction|tiny|couple|minority|subset)|some|affect(?:s|ed"
        r"|ing)?|impact(?:s|ed|ing)?|minor|very few)\b|\b(?:just|merely) (?:a (?:few|small|handful|couple)"
        r"|some)\b"
        r"|\bimpact (?:is|was|has been|remains?) (?:very |quite )?(?:limited(?! to)|minimal|low|small)\b|\b(?:rare"
        r"|isolated) (?:cases?|incidents?)\b|\bvast majority\b|\b(?:is|are|was|were|only|just) slightly\b"
        r"|\bvery few\b|\ba handful of\b"
        r"|\bno (?:significant|major|real|material) (?:impact|effect)\b|\b(?:is|was|were|are) only (?:briefly"
        r"|slightly)\b"
        r"|\ba brief moment\b|\bnothing to worry about\b",
        "the number",
        needs=any_of(
            "nothing to worry|impact|rare|isolated|vast majority|minor|slight|brief|tiny|small|limited|only"
            "|just|merely|very few"
            "|handful|no significant|no major|no real|no material"
        ),
    ),
    Phrase(
        Rule.CANNED,
        r"\bdear (?:valued )?(?:customers?|users?|clients?|shoppers?|sirs?|all)\b|\bvalued (?:customer|user"
        r"|client|shopper)s?\b|\b(?:is|are) (?:very |extremely |so )?important to us\b"
        rf"|\b(?:thank(?:s| you)|appreciate|grateful)\b{GAP}{{0,30}}\b(?:patience|understanding|bearing with us"
        rf"|cooperation|loyalty)\b|\byour (?:continued )?(?:patience|understanding|cooperation) (?:is|and|while"
        rf"|as|during|at this)\b"
        r"|\bbear with us\b|(?<!you )\bdo not reply\b|\b(?:take|takes|taking|took) (?:\w+ ){1,7}?(?:very |extremely "
        r"|so )?seriously\b|\b(?:item|order|product|parcel|customer|user)\(s\)"
        r"|\bvalue your (?:business|custom|loyalty)\b|\bworking (?:diligently|tirelessly)\b"
        r"|\bcustomer satisfaction\b|\bvalued member\b|\bpride ourselves\b|\bstrive to\b|\bexceed (?:your "
        r"|all )?expectations\b|\b(?:excellent|outstanding|exceptional) (?:customer )?(?:service|experience)\b"
        r"|\b(?:are )?committed to (?:providing|delivering|offering)\b|\bhighest (?:level"
        r"|standard)s? of service\b|\bany questions or concerns\b",
        "their name and their facts",
        needs=any_of(
            "pride ourselves|strive|expectations|excellent|outstanding|exceptional|committed to|dear|valued"
            "|important to us|thank|appreciate|grateful|patience|understanding|cooperation|bear with|do not reply"
            "|seriously|(s)|value your|diligently|tirelessly|satisfaction|of service|questions or concerns"
        ),
    ),
    Phrase(
        Rule.CANNED,
        r"\bplease (?:be|remain|stay) patient\b|\b(?:ask|asking"
        r"|request)(?: you)? for (?:your )?(?:continued )?patience\b|\bhave (?:a little |some )?patience\b",
        "patience is asked for only together with the promise to write when it works",
        needs=any_of("patien"),
        unless=r"\b(?:promise|e-?mail you|write to you|tell you|alert you|next update)\b",
    ),
)

ENGLISH = Language(
    phrases=(*_APOLOGY, *_BLAME, *_ORDERS, *_REACH, *_TIME, *_WORDS),
    capitals_are_names=True,
    reader=r"\b(?:you|your|yours|you[’']\w+)\b",
    zone=r"\b(?-i:UTC|GMT|BST|WES?T|CES?T|EES?T|IST|MSK|[ECMP][SD]?T|AES?[SD]?T|NZ[SD]T|JST|SGT|Z)\b|[+-]\d\d:?\d\d\b"
    r"|\b(?-i:[A-Z]\w+)(?: \w+)? time\b|\b(?-i:Eastern|Central|Pacific|Mountain)\b|\blocal time\b"
    r"|\b(?-i:[A-Z]\w+/[A-Z]\w+)",
    clock=r"(?<![\d:.,/T-])(?:[01]?\d|2[0-4]):[0-5]\d(?![\d:])|\b(?:1[0-2]|[1-9])(?:[.:][0-5]\d)? ?(?:am|pm|a\.m\."
    r"|p\.m\.)(?!\w)|\b(?:half past|quarter (?:past|to)) [a-z]+\b|\b\d{1,2} o[’']clock\b"
    r"|\b[0-2]\d[0-5]\d (?:hours|hrs)\b|\bat (?:1[3-9]|2[0-3])\.[0-5]\d\b(?! ?(?:%|each|EUR|GBP|USD|euros?"
    r"|pounds?|kg))|\b(?:from|by|until|till|since) (?:[01]?\d|2[0-3])\.[0-5]\d\b(?! ?(?:%"
    r"|each|EUR|GBP|USD|euros?|pounds?|kg))",
    each_day=r"\b(?:daily|weekdays|every day|each day|(?:mon|tues|wednes|thurs|fri"
    r"|satur|sun)days?(?:s? to | to |[–-])"
    r"|mon[–-]|opening hours|open from)\b",
    dates=r"\b\d{1,2}(?:st|nd|rd|th)? (?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*(?: \d{4})?|\b(?:jan|feb"
    r"|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w* \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?|\d{4}-\d\d-\d\d"
    r"|\d{1,2}[:.]\d\d(?: ?(?:UTC|GMT))?|\b\d{1,2} ?[ap]\.?m\b",
    place_or_number=r"\d|\b(?-i:(?:in|to|from|across) (?:the )?[A-Z])|\b(?:two|three|four|five|six"
    r"|seven|eight|nine|ten"
    r"|eleven|twelve|hundred|thousand|half|third|quarter)\b|\bpercent\b|%",
    unquantified=r"\ba (?:\w+ )?(?:subset|number|portion|percentage|fraction|proportion"
    r"|minority|majority|group) of you\b"
    r"|\b(?:some|certain|several|many|most|multiple|various|a few|few"
    r"|numerous|a (?:\w+ )?(?:subset|number"
    r"|portion|percentage|fraction|proportion|minority|majority|group) of)(?: of)?(?: (?:our|you|the"
    r"|your))?(?: [\w-]+){0,2}? "
    r"(?:customers?|users?|people|orders?|shoppers?|visitors?|buyers?|accounts?|parcels?|deliver(?:y|ies)"
    r"|payments?|transactions?|pages?|stores?|clients?|regions?|countries|areas|products|items|requests?)\b",
    unquantified_needs=any_of(
        "some|certain|several|many|most|multiple|various|few|numerous|subset|number|portion|percentage|fraction"
        "|proportion|minority|majority|group"
    ),
    unquantified_hint="how many, or which, or where",
    zone_hint="UTC, or the name of the zone",
    stock=r"(?:we(?: are| have been|[’']re|[’']ve been)(?: currently| still| now"
    r"| actively)*(?: continuing to)? investigat(?:e|ing)(?: (?:this|the|an|a)(?: \w+)?)?(?: (?:issue|incident"
    r"|problem|reports? of (?:an? |some )?(?:issues?|problems?)"
    r"|reports?))?(?: with [\w ]{0,30})?(?: further)?(?: and (?:we )?(?:will|are)[^.]{0,80})?"
    r"|we (?:are|have been)(?: currently| still)*(?: continuing to| continue to)? (?:monitor|work|monitoring"
    r"|working)\b[^.]{0,60}|we (?:are|were) (?:aware|made aware) of (?:an?|the|this)(?: \w+)? (?:issue"
    r"|problem)[^.]{0,40}"
    r"|(?:the|this|an?)(?: \w+)? (?:issue|incident|problem|cause) (?:has been|is|was"
    r"|have been)(?: now)?(?: fully)? (?:identified|resolved|fixed|mitigated|closed)(?: and (?:a|the) (?:fix"
    r"|solution) is being (?:implemented|worked on|deployed|applied))?(?: and[^.]{0,60})?"
    r"|a (?:fix|solution) (?:has been|is being|was) (?:implemented|applied|deployed"
    r"|rolled out)(?: and we are (?:monitoring|observing)[^.]{0,40})?|(?:all )?(?:systems|services?) (?:are|is"
    r"|have been|has been) (?:now )?(?:operational|operating normally|restored|back to normal|back up"
    r"|functioning normally)"
    r"|(?:the )?(?:scheduled )?maintenance (?:has been|is|was) (?:now )?(?:completed?|currently in progress"
    r"|in progress|underway|finished)|we will (?:provide|post|share|give)(?: \w+)? (?:updates?|more)[^.]{0,60}"
    r"|(?:more )?updates? (?:to follow|will follow|as necessary)[^.]{0,20}|resolved|fixed"
    r"|this is (?:now )?(?:resolved|fixed))",
)
