"""Places that a contract names as law, seat or city: never alone the name of a firm. Data only."""

_STATES = """
    Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia Hawaii Idaho
    Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi
    Missouri Montana Nebraska Nevada Ohio Oklahoma Oregon Pennsylvania Tennessee Texas Utah Vermont Virginia
    Washington Wisconsin Wyoming
"""
_STATE_CODES = """
    AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH
    OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY PR
"""
_OLD_STATE_CODES = """
    Ala Ariz Ark Calif Cal Colo Conn Del Fla Ga Ill Ind Kan Mass Md Mich Minn Mo Okla Ore Pa Tenn Tex Va Wash
"""
_CITIES = """
    adelaide africa african ahmedabad america american americas amsterdam angeles antonio antwerp asia asian
    athens atlanta atlantic austin australian baltimore bangalore barcelona beijing belfast bengaluru berlin
    birmingham boston brisbane bristol british brussels budapest cambridge canadian canberra cardiff central
    charlotte chennai chicago cincinnati cleveland cologne columbus copenhagen cork dallas darwin delhi denver
    detroit diego dover dubai dublin dutch east eastern edinburgh english europe european francisco frankfurt
    french galway geneva german glasgow global great gurugram hamburg helsinki hobart houston hyderabad indian
    irish island islands italian jaipur johannesburg jose kolkata lagos leeds limerick lisbon liverpool london
    louis luxembourg lyon madrid manchester melbourne memphis miami midwest milan minneapolis montreal mumbai
    munich nairobi nashville noida north northern oakland orlando orleans oslo oxford pacific paris perth
    philadelphia phoenix pittsburgh portland prague pune rome rotterdam sacramento scottish seattle shanghai
    singapore south southern spanish stockholm swiss sydney tampa tokyo toronto united vancouver vegas vienna
    warsaw welsh west western wilmington zurich
"""

STATES = _STATES.split()
STATE_CODES = _STATE_CODES.split()
OLD_STATE_CODES = _OLD_STATE_CODES.split()
TWO_WORD_STATES = [
    "New Hampshire", "New Jersey", "New Mexico", "New York", "North Carolina", "North Dakota", "Rhode Island",
    "South Carolina", "South Dakota", "West Virginia", "Puerto Rico", "District of Columbia",
]  # fmt: skip
COUNTRIES = [
    "United States of America", "United States", "United Kingdom", "England and Wales", "Northern Ireland",
    "England", "Scotland", "Wales", "Republic of Ireland", "Ireland", "Australia", "India", "New Zealand",
    "Canada", "Germany", "France", "Italy", "Spain", "Portugal", "Netherlands", "The Netherlands", "Belgium",
    "Luxembourg", "Austria", "Switzerland", "Sweden", "Norway", "Denmark", "Finland", "Poland", "Singapore",
    "Hong Kong", "South Africa", "Nigeria", "Kenya", "Ghana", "Japan", "China", "Mexico", "Brazil", "Jersey",
    "Guernsey", "Isle of Man", "Cayman Islands", "Bermuda", "British Virgin Islands", "U.S.A.", "USA", "UK",
    "U.K.",
]  # fmt: skip
CITIES = frozenset(_CITIES.split())
PLACES = CITIES | frozenset(
    word.lower().strip(".") for name in (*STATES, *TWO_WORD_STATES, *COUNTRIES) for word in name.split()
)
"""Both in lower case, word by word; continents and points of the compass too."""
