"""Surnames that are met in contracts in English and are no other English word. Data only, in lower case."""

_SURNAMES = """
    abbott abdi abdullah abebe abernathy abrams achebe ackerman adams adebayo adeyemi adler agarwal aguilar ahern
    ahmed akhtar alexander ali allen alvarez amadi anand andersen anderson andersson andrews anwar appiah archer
    armstrong arnold arora asante ashworth atkins atkinson austen awad ayers azikiwe babcock bailey bailie bakshi
    balakrishnan baldwin banerjee barclay barker barnes barnett barrett barron barry bartlett barton basu bates
    bauer baumann baxter beauchamp beaumont beck becker beckett begum benitez bennett benson beresford berger
    bergmann bernstein bhatia bhatt bhattacharya bianchi blackburn blackwell blackwood blair blanchard blanco bloggs
    bloom boateng bose boucher bowen bowman boyd boyle bradley bradshaw brady brandt braun brennan brewster briggs
    brooks broussard brown browne bruno bryant buchanan burgess burke burnett burns burton butler byrne cabrera
    cahill calder calderon callaghan callahan cameron campbell capaldi cardenas carlson carmichael carpenter carr
    carrington carroll carson carvalho casey castillo castro cavanagh chakraborty chan chandler chang chapman
    chatterjee chaudhary chaudhry chavan chavez chen cheng cheung chisholm cho choi chopra choudhury chowdhury
    christensen christie chukwu chung churchill clancy clarke clayton clifford coates cohen coleman coles collins
    connolly connors conway cooke cooper corbett cortez costa costello coughlin cowan craig crawford crosby crowley
    cruz cunningham curran curtis dalton daly danjuma danso das davenport davidson davies davis dawson dean deane
    deegan delaney delgado dempsey desai deshmukh deshpande devlin diallo diaz dickson dixon dogan doherty dolan
    dominguez donaldson donnelly donoghue donovan douglas doyle driscoll dubois duffy dumont duncan dunlop dunne
    dupont duran dutta dwyer eastwood eaton elliott ellis ellison emerson engel eriksson espinoza estrada evans
    everett fairbanks fairchild fallon farouk farrell faulkner feldman ferguson fernandes fernandez ferrari ferreira
    figueroa finch finnegan fischer fitzgerald fitzpatrick fitzsimons flanagan fleming fletcher flores flynn foley
    fontaine forbes forrester forsyth foster fournier franklin fraser frazier frost fuentes fujimoto gallagher gallo
    galvin gandhi garcia gardner garrison garvey gauthier geraghty ghosh gibbons gibbs gibson gilbert gillespie
    gilmore giordano goddard goldberg goldman goldstein gomez gonzales gonzalez goodman goodwin gopalan gordon
    gorman goswami graham greaves greco greenberg greene greenwood greer gregory grewal griffin griffiths grimaldi
    gruber guerrero gupta gustafsson gutierrez guzman haas hagan hale haley halloran hamilton hammond hampton
    hancock hanley hanna hansen hanson harding hardy harper harrington harris harrison hartley hartman harvey hassan
    hastings hawkins hayashi hayes haynes healy heaney hegarty henderson hendricks hennessy hennigan henson herman
    hernandez herrera hewitt hickey hicks higgins hinds hinton hoang hobbs hodge hodges hoffman hoffmann hogan
    holden holloway holmes hopkins horvath hosseini houlihan houston howard howell huang huber huddleston hudson
    huerta huggins hughes hurley hussain hutchinson hutton huynh hwang ibarra ibrahim igwe ingram inoue iqbal irwin
    isaacs islam ito iyer jackson jacobs jacobsen jaffe jain jamieson jansen jarvis jefferson jenkins jennings
    jensen jha jimenez johansen johansson johnson johnston johnstone jones joshi joyce juarez kaminski kang kapoor
    kapur kaufman kaur kavanagh kawaguchi keane kearney keegan kelleher keller kelley kelly kemp kendall kennedy
    kenny keogh kerr khalil khan khanna kimura kinsella kirby kirkpatrick klein knight kobayashi koch kovac kovacs
    kowalski kramer kraus krause krishnamurthy krishnan krueger kulkarni kumar kuznetsov lachance lachlan lafferty
    lal lambert langley larkin larsen larson lawrence lawson le leary leblanc leclerc lefebvre lehmann leigh lennon
    leonard leung levin levine levy lewandowski lewis li liang lim lin lindberg lindgren lindqvist lindsay liu
    livingstone lloyd lombardi lopez lowry lucas ludwig lund lynch lyons maccarthy macdonald macdougall macgregor
    mackay mackenzie mackie maclean macleod macmillan macpherson madden madigan maguire mahajan maher mahmood
    mahoney maier malhotra malik malone maloney mancini mangan manning mansour marchetti marino marques marquez
    marshall martin martinez martins matsumoto matthews maxwell mazur mbeki mccabe mccall mccann mccarthy mcclellan
    mcconnell mccormack mccormick mccoy mccullough mcdermott mcdonald mcdonnell mcdowell mcevoy mcgee mcgill
    mcginley mcgovern mcgrath mcgregor mcguinness mcguire mchugh mcintosh mcintyre mckay mckee mckenna mckenzie
    mckinley mclaughlin mclean mcleod mcloughlin mcmahon mcmanus mcmillan mcnally mcnamara mcneill mcnulty mcpherson
    mcqueen mehra mehta mendes mendez mendoza menon mensah mercado mercier merritt meyer meyers michaels middleton
    mikkelsen miller milligan mishra mitchell mitra moffat mohamed mohan molina moller molloy monaghan montgomery
    moody mooney moore morales moran moreau moreno morgan moriarty morita morris morrison morrissey morton moyo
    mueller muir mukherjee mukhopadhyay mulcahy mullan mullen muller mulligan mulvey munoz munro murakami murphy
    murray murthy musa mwangi naidoo naidu nair nakamura nambiar nash navarro nayak ndlovu neill nelson neumann
    newman ng nguyen nicholls nichols nicholson nielsen nkosi nolan norris novak nowak nunez nwankwo nwosu nyambura
    obi obrien oconnell oconnor odonnell odonovan oduya ogden ogunleye ohara okafor oke okeefe okeke okonkwo okoro
    okoye oleary olsen olson oneill onyango orozco ortega ortiz osborne osei oshea osman osullivan otieno owens
    owusu pacheco padilla palmer pandey papadopoulos parekh park parkinson parsons patel patil patterson pearce
    pearson pedersen pennington pereira perera perez perkins perrin peters petersen peterson petrov pfeiffer
    phillips pickering pillai pinto popov porter powell prabhakar prasad prendergast prescott pritchard pruitt
    purcell qureshi rafferty rahman ramachandran raman ramanathan ramirez ramos ramsey rangan rao rasmussen rastogi
    rathore raymond reddy redmond reeves regan reilly reyes reynolds rhodes ribeiro ricci richards richardson
    richter riley rios ritchie rivera robbins roberts robertson robinson robles roche rodgers rodrigues rodriguez
    rogers romano romero rooney rosales rosen rosenberg rosenthal rossi roth rousseau rowland rowley roy rubin ruiz
    russell russo rutherford ryan saha sahni saito sakamoto salazar saldanha salinas sanchez sanders sanderson
    sandhu sandoval santiago santos sato saunders savage sawyer saxena scanlon schaefer schaeffer schmidt schmitt
    schmitz schneider schofield scholz schroeder schubert schultz schulz schumacher schwartz schwarz scully sengupta
    serrano sethi sexton seymour shah shaikh shapiro sharma shaw sheehan shepherd sheridan sherman sherwood shimizu
    shukla siddiqui silva simmonds simmons simon simpson sinclair singh singleton sinha skinner slater slattery
    smith smyth snyder sokolov solis somerville sorensen sosa soto sousa spencer srinivasan srivastava stafford
    stanton stapleton stefanov stein steiner stephens stephenson stevens stevenson stewart stokes strauss stuart
    suarez subramanian sullivan summers sutherland sutton suzuki svensson swaminathan swanson sweeney takahashi
    tamura tan tanaka tang taylor tembo thakur thapar thomas thompson thomsen thomson thornton tierney tiwari tobin
    torres townsend tran travers trivedi trujillo tucker turner tyrrell udoh underhill upton uzoma valdez valencia
    valentine vargas varghese varma vasquez vaughan vaughn vega velasquez venkataraman verma vickers vidal
    villanueva vogel vogt vyas wagner walker wallace waller walsh walters walton wang warner watanabe waterhouse
    waters watkins watson watts weaver webb weber webster weiss welch wellington weston whelan whitaker whitfield
    whitney whittaker wiggins wilcox wilkins wilkinson willett williams williamson willis wilson winkler winslow
    winters wolfe wong woods woodward worthington wright wu wyatt xu yadav yamada yamamoto yang yates yeung yilmaz
    yoshida zamora zapata zhang zhao zheng zhou zhu ziegler zimmerman zimmermann zuniga
"""
_NO_SURNAMES = """
    apartments avenue bank bay beach bridge center centre church city club college commons county court creek
    crossing drive energy estates farm farms features field fields foods forest foundation garden gardens gas gold
    group grove hall heights hill hospital hotel house initiative island lake lane mall media motors mountain oil
    park parkway plaza point pointe power ridge river road school shoppes silver springs square street tower towers
    town university valley village way
"""

SURNAMES = frozenset(_SURNAMES.split())
NO_SURNAMES = frozenset(_NO_SURNAMES.split())
"""Places and firms that are called after somebody."""

ENDINGS = (
    "(?:ski|ska|sky|wicz|vić|vic|vich|enko|oulos|opoulou|adis|akis|iadis|itriou|dóttir|sson|ssen|nsen|lsen"
    "|nson|lson|stein|mann|berg|escu|yan|swamy|amurthy|nathan|inen|nnen|ević|ović|ová|ský|huber|meier"
    "|maier|hofer|hauser|auer|ieri|etti|elli|acci|ucci|ello|eira|ães|quez|ndez|nguez|ález|íguez|ínez|érez"
    "|ünez|stra|sma|veld|huis|ström|qvist|gren|blad|lund|kwe|kwo|nkwo|uike|adu|edji|shvili|adze|zadeh"
    "|nejad|pour|oğlu|oglu|tanen|worth|thwaite|bottom|ingham|ington)"
)
"""What only surnames end in, for names that no list has."""

ENGLISH_ENDINGS = (
    "(?:comb|combe|ley|leigh|ton|ham|well|field|ford|by|croft|thorpe|wick|wich|bury|gate|shaw|stead|son|more"
    "|mers|man|kins|cott|bourne|burn|hurst|land|ridge|worthy|sworth|ell|ett|low|ers|royd|gan|nan|rran|ghan"
    "|avan)"
)
"""What surnames end in, and other words too: enough after a first name that is another word."""
