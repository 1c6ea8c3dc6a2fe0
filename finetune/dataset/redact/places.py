"""Places that a contract names as law, seat or city: never alone the name of a firm. Data only, in lower case."""

STATES = (
    "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia Hawaii Idaho Illinois "
    "Indiana Iowa Kansas Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri Montana "
    "Nebraska Nevada Ohio Oklahoma Oregon Pennsylvania Tennessee Texas Utah Vermont Virginia Washington Wisconsin Wyoming"
).split()
TWO_WORD_STATES = (
    "New Hampshire|New Jersey|New Mexico|New York|North Carolina|North Dakota|Rhode Island|South Carolina|South Dakota|"
    "West Virginia|Puerto Rico|District of Columbia"
).split("|")
STATE_CODES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA "
    "RI SC SD TN TX UT VT VA WA WV WI WY PR"
).split()
OLD_STATE_CODES = "Ala Ariz Ark Calif Cal Colo Conn Del Fla Ga Ill Ind Kan Mass Md Mich Minn Mo Okla Ore Pa Tenn Tex Va Wash".split()

COUNTRIES = (
    "United States of America|United States|United Kingdom|England and Wales|Northern Ireland|England|Scotland|Wales|"
    "Republic of Ireland|Ireland|Australia|India|New Zealand|Canada|Germany|France|Italy|Spain|Portugal|Netherlands|"
    "The Netherlands|Belgium|Luxembourg|Austria|Switzerland|Sweden|Norway|Denmark|Finland|Poland|Singapore|Hong Kong|"
    "South Africa|Nigeria|Kenya|Ghana|Japan|China|Mexico|Brazil|Jersey|Guernsey|Isle of Man|Cayman Islands|Bermuda|"
    "British Virgin Islands|U.S.A.|USA|UK|U.K."
).split("|")

CITIES = frozenset(
    """
    london manchester birmingham leeds bristol edinburgh glasgow cardiff belfast dublin cork galway limerick liverpool
    oxford cambridge sydney melbourne brisbane perth adelaide canberra hobart darwin mumbai delhi bengaluru bangalore
    chennai kolkata hyderabad pune ahmedabad gurugram noida jaipur paris lyon berlin munich hamburg frankfurt cologne
    amsterdam rotterdam brussels antwerp vienna zurich geneva madrid barcelona milan rome lisbon stockholm copenhagen
    oslo helsinki warsaw prague budapest athens toronto vancouver montreal chicago boston atlanta houston dallas austin
    seattle denver miami philadelphia phoenix detroit wilmington dover baltimore columbus cleveland charlotte nashville
    minneapolis sacramento portland oakland tampa orlando pittsburgh cincinnati memphis francisco angeles vegas diego
    louis orleans jose antonio singapore tokyo shanghai beijing dubai lagos nairobi johannesburg luxembourg
    america american americas europe european asia asian pacific atlantic africa african british english irish scottish
    welsh french german italian spanish dutch swiss indian australian canadian western eastern northern southern north
    south east west central midwest global great united island islands
    """.split()
)

PLACES = frozenset(
    word.lower().strip(".") for name in (*STATES, *TWO_WORD_STATES, *COUNTRIES) for word in name.split()
) | CITIES
