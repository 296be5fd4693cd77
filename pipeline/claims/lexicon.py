"""Word lists for comparing statements in news English: for no one topic or conflict.

Each table is written in whole words and turned into stems by ``words``. A line of
``SYNONYMS`` is one concept; what a speaker negates, and what is the opposite of what,
stands in the tables after it.
"""

from __future__ import annotations


def _list(text: str) -> list[str]:
    return text.split()


SYNONYMS = """
negotiate negotiation negotiator dialogue
ceasefire truce armistice
weapon weaponry arms armament munition
deliver delivery send provide supply shipment transfer hand submit furnish give
soldier troop serviceman servicemen servicewoman fighter
prisoner captive pow pows detainee
country nation state homeland
war conflict hostilities fighting warfare invasion
attack strike assault shell bombard bombardment raid bomb hit
missile rocket
drone uav uavs
destroy down intercept shoot-down shot-down
kill murder slaughter slay dead die death fatality killing
injure wound hurt
damage harm
leader president premier
minister secretary
end finish conclude conclusion
begin start initiate commence
help aid assist assistance
land territory soil
border frontier
ready prepared willing
possible able
exchange swap
agree agreement deal accord pact treaty settlement
goal aim objective purpose
achieve fulfil fulfill attain reach accomplish
participant party side
annual annually yearly
money fund funding finance financing
price cost
ban prohibit forbid prohibition forbade outlaw
restrict restriction limit limitation curb constraint
big large huge great enormous significant
new fresh another additional more further extra
enough sufficient adequate
tough harsh strong strict severe
crucial vital key important responsible critical decisive
progress breakthrough advance
wish want desire seek
hope expect
promise pledge vow
think believe reckon
leave walk-away abandon back-away quit withdraw pull-out step-aside
respond response retaliate retaliation retaliatory reply
citizen people person civilian resident inhabitant
child children kid
plant station facility
nuclear atomic
host venue organise organize
meet meeting summit
visit travel trip
capture seize take-over occupy occupation
free release liberate liberation
return bring-back
anger ire fury outrage
threat threaten menace danger
enemy adversary foe
ally allies partner backer
west western
join member membership accede accession
permanent forever lasting always
quick fast rapid swift soon
attempt try effort
increase raise rise grow growth boost expand
reduce cut lower decrease decline shrink fall
permit allow let authorise authorize
block veto oppose
accept approve endorse back support favor
reject refuse
resume continue carry-on ongoing
build construct construction
buy purchase
test trial
choose elect election
show demonstrate prove
ask request urge appeal call-on
encourage embolden
cause reason
night overnight
immediate immediately once
condition precondition prerequisite
security safety
guarantee assurance assure
defend defence defense protect protection
evacuate evacuation
lie lies falsehood
crazy mad insane
grateful thankful thank
peace peaceful
house home
law legislation
company firm business
car vehicle
job work
fire blaze
police officer
court judge tribunal
drug medicine medication
stock share
profit earning income
sale sell sold
illness disease sick
student pupil
study research survey
"""

ANTONYMS = """
accept reject
block accept
ban permit
increase reduce
win lose
true false
possible impossible
open closed
advance retreat
begin end
strengthen weaken
join leave
free capture
safe dangerous
remember forget
success failure
succeed fail
trust distrust
agree disagree
legal illegal
admit deny
resume end
impose lift
"""
"""Pairs of opposite concepts, each named by a word of it."""

NEGATORS = """
not no never neither nor none nobody nothing without hardly scarcely cannot nowhere
"""

NEGATIVE_VERBS = """
refuse deny fail reject stop halt cease suspend cancel abandon avoid prevent lift scrap
exclude impossible unable unwilling lack absence against unlikely forbid prohibit ban
block veto oppose drop freeze postpone deter discourage moratorium
"""
"""Words that deny what follows them: 'refused to sign', 'stop sending'."""

AIMED = """
attack war aggression fight defend protect threat sanction measure crime force weapon use
campaign case charge evidence action operation
"""
"""What is done against somebody: after these words 'against' denies nothing."""

UNTURNED_VERBS = "know foresee understand remember care mind realise realize"
"""Verbs whose negation leaves what they speak of as it is."""

UNTIL = "before until till"
"""'Not before June' is June: the negation turns the time, not the thing."""

BY_THE_DAY = """
overnight tonight today yesterday tomorrow night nights morning evening hours daily
downed intercepted shot
"""
"""Words that tie a count to its day: another day's count is another fact."""

SUMMED = "since total altogether overall already cumulative"
"""Words that say that a count goes on from day to day."""

BREAKS = """
but unless because if until while although though who which whose when where
"""
"""Words at which what a negator reaches ends."""

CAPITALS = """
usa: us america american americans washington usa united-states
russia: russia russian russians moscow kremlin
ukraine: ukraine ukrainian ukrainians kyiv kiev
belarus: belarus belarusian belarusians minsk
germany: germany german germans berlin
france: france french paris elysee
uk: uk britain british london uk united-kingdom
poland: poland polish poles warsaw
hungary: hungary hungarian hungarians budapest
turkey: turkey turkish turkiye ankara
china: china chinese beijing
italy: italy italian italians rome
spain: spain spanish madrid
eu: eu european-union brussels
europe: europe european europeans
japan: japan japanese tokyo
india: india indian indians delhi
israel: israel israeli israelis jerusalem
iran: iran iranian iranians tehran
iraq: iraq iraqi iraqis baghdad
syria: syria syrian syrians damascus
korea: korea korean koreans seoul pyongyang
canada: canada canadian canadians ottawa
australia: australia australian australians canberra
netherlands: netherlands dutch hague
belgium: belgium belgian belgians
sweden: sweden swedish stockholm
norway: norway norwegian oslo
finland: finland finnish helsinki
denmark: denmark danish copenhagen
estonia: estonia estonian tallinn
latvia: latvia latvian riga
lithuania: lithuania lithuanian vilnius
czechia: czechia czech prague
slovakia: slovakia slovak bratislava
austria: austria austrian vienna
romania: romania romanian bucharest
bulgaria: bulgaria bulgarian sofia
serbia: serbia serbian belgrade
greece: greece greek athens
moldova: moldova moldovan chisinau
georgia: georgia georgian tbilisi
armenia: armenia armenian yerevan
azerbaijan: azerbaijan azerbaijani baku
kazakhstan: kazakhstan kazakh astana
egypt: egypt egyptian cairo
saudi: saudi riyadh
qatar: qatar qatari doha
brazil: brazil brazilian brasilia
mexico: mexico mexican
africa: africa african
nato: nato alliance
"""
"""A country, its people and its capital, which stands for its government."""

PLACES = """
istanbul geneva davos jeddah dubai shanghai hongkong mumbai sydney toronto strasbourg
munich hamburg barcelona milan alaska texas california florida crimea gaza sinai donbas
"""
"""Well-known places that stand for no government."""

FUNCTION_WORDS = """
a an the this that these those it its he she they him her them his their theirs i me my
mine we us our ours you your yours who whom whose which what when where why how there
here be is are was were been being am have has had having do does did doing done will
would shall should can could may might must and or but if then than so as of to in on at
by for from with about into onto over under between among through during before after
above below up down out off again also just only even still yet already too very much
many some any each every all both few most other such own same not no nor never neither
none without because while until unless since though although however whether s t ll re
ve d m say said says saying tell told add added according via per upon within against
toward towards across along around near mr mrs ms sir dr really truly quite rather
actually simply indeed well now today yesterday tomorrow monday tuesday wednesday
thursday friday saturday sunday etc et al eg ie himself herself itself themselves
yourself ourselves myself one ones
"""

LIGHT_WORDS = """
able action absolutely ago anyone anything appear area ask base become begin believe big bring call
case certain certainly chance change clear close come completely consider country course create
current day decide definitely different early end especially ever everyone everything expect extremely face fact far feel
find follow force former future general get go hugely totally going good government group happen
hard head high hold hope idea include including involve issue it just keep kind know
lead leader less level life like line little long look lot make man matter mean
minister moment month move much need new next nobody number offer official open order
part particularly people person place plan point position possible president probably problem process public
put question ready real reason recent relate remain report result right role run see
seek seem set show side sign situation someone something soon speak stand start state
still stop sure take term thing think time today together tomorrow try turn use view want
war way week whole woman word work world year yesterday yet
"""
"""Words that say little of what a statement is about; they weigh a third.

Taken from the most frequent words of political news, those that name no subject.
"""

COMMON_WORDS = """
agree attack battle campaign citizen city cost cut election economy fight foreign
important join kill law member military money nation party peace policy power protect
provide security send soldier strong support supply talk talks threat tough vote weapon win
"""
"""Subjects that most statements in political news share; they weigh two thirds."""

CERTAIN = "will shall must certainly definitely always never"
POSSIBLE = "may might could perhaps maybe possibly probably likely potentially"
EXTENTS = {
    "all": 4,
    "every": 4,
    "entire": 4,
    "whole": 4,
    "complete": 4,
    "completely": 4,
    "fully": 4,
    "most": 3,
    "half": 2,
    "some": 1,
    "partly": 1,
    "partial": 1,
    "partially": 1,
}

IRREGULAR = """
say said; give gave given; send sent; take took taken; go went gone; come came; get got
gotten; make made; see saw seen; know knew known; think thought; find found; leave left;
keep kept; hold held; bring brought; begin began begun; fight fought; win won; lose lost;
meet met; tell told; become became; show shown; fall fell fallen; rise rose risen; strike
struck stricken; shoot shot; buy bought; sell sold; build built; choose chose chosen;
speak spoke spoken; write wrote written; break broke broken; lie lied lying; die died
dying dead; pay paid; lead led; grow grew grown; forbid forbade forbidden; withdraw
withdrew withdrawn; mean meant; feel felt; stand stood; understand understood; drive
drove driven; throw threw thrown; fly flew flown; seek sought; teach taught; catch
caught; man men; woman women; child children; person people persons; country countries;
life lives; foot feet; worse worst bad; better best good; more most; less least; further
farther; proof prove proven; freeze froze frozen; steal stole stolen; swear swore sworn;
spend spent; deal dealt; defence defense defend defensive; program programme; center
centre; tougher toughest tough; stronger strongest strong; larger largest large; bigger
biggest big; higher highest high; casualty casualties; ally allies allied; army armies;
city cities; party parties; enemy enemies; territory territories territorial; ready
readiness; able ability; difficult difficulty; escalate escalation; react reaction;
decide decision; invade invasion; destroy destruction; respond response retaliatory;
defeat defeated; succeed success successful successfully; fail failure; control controlled controlling; choose choice;
grow growth; lose loss losses; propose proposal; approve approval; refuse refusal; deny
denial; arrive arrival; withdraw withdrawal; remove removal; die death deaths; negotiate talks;
opposition; oppose opposed
"""
"""Forms of one word, the base first."""

UNITS = {
    "second": ("duration", 1 / 86400),
    "minute": ("duration", 1 / 1440),
    "hour": ("duration", 1 / 24),
    "day": ("duration", 1.0),
    "week": ("duration", 7.0),
    "fortnight": ("duration", 14.0),
    "month": ("duration", 30.0),
    "year": ("duration", 365.0),
    "decade": ("duration", 3650.0),
    "percent": ("percent", 1.0),
    "percentage": ("percent", 1.0),
    "pct": ("percent", 1.0),
    "dollar": ("money", 1.0),
    "euro": ("money", 1.0),
    "pound": ("money", 1.0),
    "rouble": ("money", 1.0),
    "ruble": ("money", 1.0),
    "hryvnia": ("money", 1.0),
    "yuan": ("money", 1.0),
    "yen": ("money", 1.0),
    "franc": ("money", 1.0),
    "zloty": ("money", 1.0),
    "kilometre": ("length", 1000.0),
    "kilometer": ("length", 1000.0),
    "km": ("length", 1000.0),
    "mile": ("length", 1609.34),
    "metre": ("length", 1.0),
    "meter": ("length", 1.0),
}
"""A unit's kind and its size in days, metres, or itself."""

SMALL_NUMBERS = {
    word: value
    for value, word in enumerate(
        _list(
            "zero one two three four five six seven eight nine ten eleven twelve "
            "thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
        )
    )
} | {
    word: 10 * value
    for value, word in enumerate(
        _list("twenty thirty forty fifty sixty seventy eighty ninety"), start=2
    )
}
SCALES = {
    "dozen": 12.0,
    "hundred": 1e2,
    "thousand": 1e3,
    "k": 1e3,
    "million": 1e6,
    "mln": 1e6,
    "m": 1e6,
    "mn": 1e6,
    "billion": 1e9,
    "bn": 1e9,
    "bln": 1e9,
    "trillion": 1e12,
    "tn": 1e12,
}
ORDINALS = {
    word: value
    for value, word in enumerate(
        _list("first second third fourth fifth sixth seventh eighth ninth tenth"),
        start=1,
    )
}
ABOUT = frozenset(
    _list(
        "about around nearly almost some roughly approximately over up least under "
        "than circa"
    )
)
MONTHS = {
    word: value
    for value, words in enumerate(
        _list(
            "january/jan february/feb march/mar april/apr may june/jun july/jul "
            "august/aug september/sep/sept october/oct november/nov december/dec"
        ),
        start=1,
    )
    for word in words.split("/")
}
OF_A_MONTH = """
in by until till since of before after for from to this next last early late mid
"""
"""Words before a month: after them 'May' and 'March' are months."""

CURRENCY_SIGNS = {
    "$": "dollar",
    "€": "euro",
    "£": "pound",
    "₽": "rouble",
    "₴": "hryvnia",
}
