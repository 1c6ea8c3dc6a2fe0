"""First names that are met in contracts in English. Data only, in lower case; how they are used is persons.py's.

A name that is as often another word, a place or a firm's is in UNSURE, whether or not it is in FIRST_NAMES: it wants more
around it to count.
"""

FIRST_NAMES = frozenset(
    """
    aaron abdul abdullah abeni abigail abimbola abiola achieng ada adaeze adam adaobi adaora adebayo adele adeola
    adetokunbo adhiambo adisa aditi aditya adrian adriana adwoa afolabi agata agnes agnetha agnieszka ahmad ahmed
    ahmet aidan aileen ailsa ainsley aisha aisling akash akinyi akira akosua akua alain alan alana alasdair alastair
    alban albert alberto albrecht aled alejandra alejandro aleksandr aleksandra alessandra alessandro alessia
    alexander alexandra alexandre alexandros alexei alexis alfie alfons alfonso alfred alfredo algernon alhaji alice
    alicia alina alison alistair aliya aliyu allan allen allison alok aloysius alpesh althea alun alvaro alvin amadi
    amadou amaka amalia amanda amara amarjit amaury amaya ambroise ambrose ameera amelia ameya amina aminata amir
    amit amita amrita ana anahera anahit anand ananda ananya anastasia anatole anatoly anaïs anders andile andre
    andrea andreas andreea andrei andrej andrew andria andrzej andré andy aneesh anette aneurin angel angela
    angelica angelina angelo angharad angus anh anil anita anja anjali ankit ann anna annabel annapurna anne anneke
    annelies annelise annemarie annette annika anoushka ansel anselm ansgar anthony antje antoine anton antonella
    antonia antonio anupam anya aoife aparna apolline aram aravind archana archibald archie arda aret arianna
    aristotelis arjan arjun armand armando armin arnaud arne arnold aroha aron arsène arthur arturo arun aruna arvid
    arvind asha asher ashish ashley ashok ashwin asif asma astou astrid athanasios athena atticus aubrey augustin
    augustine augustus aurelia aurelie aurelio aurelius aurélie ava avery avinash avishek avraham axel axelle ayesha
    ayodeji ayodele ayşe azadeh aziz aïsha babak babatunde bahar balaji balwinder bandile baptiste barbara barnabas
    barnaby barry bartholomew bartosz bartłomiej bashir bassam bastian bastien beata beatrice beatrix beatriz
    behrouz belinda ben benazir benedetta benedict benedicta benedikt benjamin benoit bente berenice bernadette
    bernard bernardo bernd bernhard bernice bertha bertram bertrand beth bethany betty beverley beverly bhavesh
    bhavna bhupinder bianca birgit birgitta bjorn björn blaise blathnaid bogdan bogusław bojan bolaji bonnie boris
    brad bradley brandon branislav branko brayden breda brenda brendan brenna brett brian brid bridget brigitte
    briony britt britta bronwyn bruce brunhilde bruno bryan bryce bríd brónach bukola busisiwe byron bélinda caitlin
    callum calum calvin cameron camille candice candida cara carina carl carla carlo carlos carlota carmel carmela
    carmen carol carole caroline carolyn carsten carys caspar casper cassandra catalina caterina cathal catherine
    cathy catrin catriona cecil cecile cecilia cedric celeste celestine celia celine cem chaim chandra chandrika
    chanel chantal chantelle charlene charles charlie charlotta charmaine cheng chetan chiamaka chiara chibuzo chidi
    chidinma chike chima chin chinedu chinonso chinwe chinyere chioma chitra chloe chris christa christel christiane
    christina christine christoph christophe christopher christophoros christos chukwudi chukwuemeka chun cian ciara
    ciaran ciarán cicely cillian claire clara clarence clarissa claude claudia claudine claudio claus clemency
    clemens clement clementine cleopatra cliff clifford clive clodagh clotilde colette colin colleen colm colman
    columba conall concepción connor conor conrad constance constantin constantine cora cordelia corinne cormac
    cornelia cornelius cory cosima cosmo courtney craig cressida crispin cristian cristina cristóbal csaba curtis
    cuthbert cynthia cyprian cyriac cyril cyrus cáit cécile césar dafydd dagmar dagny daisuke dalia dalibor damaris
    damian damien damilola dan dana daniel daniela danielle danijela danila danny danuta daphne dara daragh daria
    darius darnell darragh darrell darren dave david davide davinder davor dawid dawit deborah debra declan deepa
    deepak deirbhile deirdre delia delphine delroy demelza demetrius denis denise dennis derek dermot deshawn
    desirée desmond despina devdas devendra devi devika dharmesh dhruv diana diane diarmuid diego dieter dietlinde
    dietmar dietrich dilip dilys dimitra dimitri dimitrios dimitris dinah dineo dinesh diogo dirk divya dmitri dogan
    dolly dolores domenico dominic dominik dominique don donal donald donatella donna donnacha doreen dorian doris
    dorota dorothea dorothy doug douglas dragan duarte duncan dushan dušan dwayne dylan dympna dónal eamon eamonn
    eberhard ebony edeltraud edgar edith edmond edmund edna eduard eduardo edvard edward edwin effie efua egbert
    eileen eilidh eilis eimear einar eithne ekaterina ekkehard ekow elaine eleanor eleftheria elena eleni eleonora
    elfrida elfriede eliana elias elif elijah elio eliot elisa elisabeth elise eliza elizabeth ella ellen ellie
    elliot elliott eloise elsa elspeth eluned elvira elwyn emanuel emanuela emeka emeline emer emil emilia emilie
    emilio emily emine emma emmanuel emmeline emmet emre emrys emyr enda enid enrico enrique enyinnaya enzo eoghan
    eoin ephraim erasmus eren eric erica erich erik erika erin erling ernest ernesto ernst erwin esme esmeralda esmé
    esperanza esra esteban estelle ester esther eszter ethan ethel etienne euan eudora eugene eugenia eugenie eunice
    euphemia eva evan evander evangelina evangelos evdokia eve evelyn evgeny ewa ewan ewelina eyal ezekiel ezra
    fabian fabien fabio fabiola fabrice fadi faisal farah farhan farid fathima fatima fatma fatou fatoumata faustina
    faustino fearghal federico fedor felicia felicitas felicity felipe felix femi femke fenella feng ferdinand
    ferdinando ferelith ferenc fergal fergus fernanda fernando fiachra filip filippo finbar finlay finn finnian
    fintan fiona fionn fionnuala fiorella flavia flavio fleur florence florian floyd folake folasade folu fortunato
    franca frances francesca francesco francine francis francisco franciszek franck francois francoise frank franz
    franziska françois françoise fraser fred freda freddie frederic frederick frederik fredrik freya frida frieda
    friedrich fritz gabor gabriel gabriela gabriele gabriella gail ganesh gareth garrett gary gaurav gautam gavin
    gayatri gaynor geetha gemma genevieve geoff geoffrey george georges georgi georgiana georgina georgios gerald
    geraldine gerard gerda gerhard gerrit gerry gert gertraud gertrude gethin ghassan giancarlo gianluca gianna
    gianni gideon gilbert giles gilles gillian gina ginevra giorgio giovanna giovanni girish gisela gisele gita
    giulia giuliana giuseppe gladwin gladys glenda glenn gloria godfrey godswill gokhan gonzalo gopal goran gordon
    graeme graham grainne greg gregor gregory greta gretchen grzegorz gráinne gudrun guglielmo guido guillaume
    guillermo gunilla gunnar gunther gurdeep gurpreet gustav gustave gustavo gwen gwendoline gwendolyn gwenllian
    gwilym gwyneth gyula gábor gérard göran günter günther habib hadiza hadley hakan hakim hala haldis halima hamad
    hamid hamish hana hannah hanne hannelore hannes hans harald haresh hari harish harjinder harjit harold haroon
    harpreet harriet harris harry hartmut haruto harvey hasan hassan hassanal hatice heather hector hedda hedwig
    heidi heidrun heike heinrich heinz helen helena helene helga helmut helmuth hemant hemi hendrik henri henrietta
    henriette henrik henrike henry henryk herbert herman hermann hermine hermione hester hettie hideki hilary hilda
    hilde hildegard hillary hind hiram hiroki hiroko hiroshi hitesh holger horace horatio horst hortense howard
    hubert huda hugh hugo humphrey hussein huw hyacinth hywel hélder hélène hüseyin iain ian ibironke ibrahim ida
    idris iestyn ieuan ifeanyi ifeoma ignacio ignatius ignatz igor ikechukwu iker ikram ilaria ilie ilona ilse imad
    imelda imogen imran imre inbal indira ines inga inge ingeborg ingrid inmaculada inès ioana ioannis iolo iona
    iqbal irene irina iris irma irmgard irving isaac isaak isabel isabella isabelle isadora isaiah iseult isha isiah
    isla ismael ismail ismene isolde istván itai ivan ivana iveta ivo ivor iwan iwona izabela jaap jacek jacinta
    jack jackie jackson jacob jacqueline jacques jada jadwiga jagdish jai jaime jakob jakub jalal jamal james jamie
    jamila jan jana jane janek janet janice janina janine janos janusz jared jarek jarlath jaroslav jarosław jarvis
    jasmine jason jaspal jasper jaspreet jasvinder jaswinder javed javier jay jayant jayanthi jayesh jayne jean
    jean-claude jean-luc jean-marc jean-paul jean-pierre jeanette jeanne jeannette jeannine jed jedediah jeevan jeff
    jeffery jeffrey jelena jemima jemma jenna jennifer jenny jens jeremiah jeremy jerome jerry jerzy jesse jessica
    jesus jethro jignesh jihoon jill jim jimmy jing jitendra jiří jo joachim joakim joan joana joanna joanne joao
    joaquim joaquin jocasta jocelyn jochen joe joel joelle joerg johan johann johanna johannes john johnny jolene
    jon jonas jonathan joost jordana jorg jorge jorgen joris jose josef josefina josefine joseph josephine josephus
    josh joshua josiah josie joss josé jovana joyce jozef joão juan juana juanita judd judith judson judy juha jules
    julia julian juliana julianne julie julien juliet julieta julio julius jun jurgen jussi justin justine justyna
    jyoti jyotsna jános jérôme józef jörg jürgen kabir kadeem kagiso kaisa kaito kalpana kalyan kamal kamala kamau
    kamil kamlesh kana kanya kaori kara karan karel karen karim karin karina karl karla karthik karthikeyan kasia
    kaspar katalin katarzyna kate katell katerina kateryna kateřina katharina katherine kathleen kathrin kathrine
    kathryn kathy katia katie katrin katrina kaushik kavita kavitha kavya kay kayla kayode kazimierz kazimir kazuo
    keeley keiko keir keisha keith kelly kelvin kemal kemi ken kendra kenichi kenji kenneth kenny keren kerstin
    ketan kevan kevin keziah khadeeja khadija khaled khalid khalil khushi kieran kieron kim kimani kimberly kinga
    kiran kirsteen kirsten kirstie kirstin kirsty kirti kishore kitty kjell klara klaudia klaus knut kobina koen
    kofi kojo konrad konstantin konstantinos korbinian kornelia kosta kostas krishna krista kristen kristin kristina
    kristján kristof kristýna krzysztof kuldeep kumar kunal kunle kurt kurtis kushal kwabena kwaku kwame kwasi kweku
    kwesi kwok kyle kylie kyoko kyriakos lachlan ladislav laetitia laila lakshman lakshmi lalita lalith lamar lamin
    landry laoise lara larissa larry lars lasse laszlo latasha latifa latoya laura lauren laurence laurent laurentiu
    lauri lavanya lavinia lawrence layla lazar lazarus leah leander leandro leanne leanora lech leela leif leila
    leilani lena lenka lennart leo leon leona leonard leonardo leoni leonie leontyne leopold leopoldo lerato leroy
    lesego lesley leslie lester leszek leticia letitia lettice levi lewis leyla liam liana liat libby lidia lidija
    liesbeth liesl liezel lila lilian liliana lillian lillie lily lina linda lindiwe lindsay lindsey linnea linus
    lionel lisa liselotte liza ljiljana lloyd logan lois lorcan lorelei lorena lorenza lorenzo loretta lorna
    lorraine lotte lottie lou louella louis louisa louise lova lovro loïc lubna luca lucan lucas lucia luciana
    luciano lucien lucille lucinda lucretia lucy ludger ludmila ludo ludovic ludwig luigi luis luisa lukas lukasz
    luke lukáš lulu luísa lydia lynda lyndon lynette lynn lynne lyra lysander lászló maarten mab mabel maciej
    madeleine madeline madhav madhavi madhu madhuri mads maeva maeve mafalda magda magdalena magnus maha mahendra
    mahesh mahmoud mahnoor maia maida maire mairead mairi mairéad maisie majid makena malachy malcolm malcom
    malgorzata malika mandla mandy manfred manish manisha manjit manju manoel manoj manon manpreet mansoor mansour
    manuel manuela mara marama marc marcel marcela marceline marcella marcelle marcello marcia marcin marco marcos
    marcus marek margaret margarita margherita margit margot margrethe marguerite mari maria mariam mariana marianne
    marie marie-claire mariela marielle marietta marija marijke marika marilena marilyn marina mario marion marisa
    marisol mariusz marjolein marjorie markku marko markus marlene marlies marloes marlon marnie marsali marsha
    marta martha martijn martin martina martine marvin marwan mary maryam maryann marzena masahiro masako massimo
    matej mateja mateo mateusz mathias mathieu mathilde matilda mats matteo matthew matthias matthieu mattias maud
    maura maureen maurice mauricio max maximilian maximiliano maximilien maxine mayank mayur małgorzata mbali medhi
    meena meera megan mehdi mehmet mehreen mei meinrad melanie melinda melissa melvin melvyn menachem mercedes
    meredith meredydd merle merlin mervyn meryem mette mette-marit mfanelo mhairi mia micah michael michaela michal
    michalis michel michele michelle micheál michiko mieke miguel mihaela mihai mihály mikael mike mikhail mikkel
    milan mildred milena milica millicent milos milosz miloš milton mina ming minh minna mira mireia mireille mirela
    miriam mirjam mirko miroslav mirosław misaki mitchell mitesh mohamed mohammad mohammed mohan mohinder moira
    mojisola mona moncef monica monika monique montgomery morag mordecai morgane moritz morris morten mortimer moses
    moshe mostafa mthunzi muhammad muireann mukesh mukul murali murat murdo muriel murray mustafa myfanwy myles
    mylène myra myrtle máire mícheál nabil nadia nadine nadja nafisa naledi nalin nalini nancy nandini nandita naoko
    naomi narasimha narayan narendra nasrin nasser natalia natalie natascha natasha natasza nathalie nathan
    nathanael nathaniel navdeep naveen navin nayeli neal ned neha nehemiah neil nella nelson nenad nerys nessa
    nettie neville ngaio ngaire ngozi nguyen niall niamh nicanor nicholas nick nicola nicolai nicolas nicole
    nicoletta nicolette nigel nigella nihal nikhil nikita niklas nikola nikolai nikolaos nikos nilesh nils nilufar
    nina nirmala nisha nishant nita nitin nkechi nnamdi nneka nneoma noah noam noel noelia noelle nomsa nomvula noor
    noorjahan nora norah norbert noreen noriko norma norman nosipho noura noémie ntombi nuala nuno nyasha nyokabi
    oba obadiah obiageli obinna obinze obioma octavia octavian octavio odette odhran odile ofelia oisin oksana olaf
    olamide olatunji olayinka oleg oleksandr oleksiy olena olga oliver olivia olivier olof olu oluchi olufemi
    olumide oluwafemi oluwaseun oluwatobi omar omari omolara ondřej onyeka oonagh ophelia oren orestis orhan oriol
    orla orlagh orlaith orlando orsolya orson osagie oscar osei oskar osman osvaldo ottilie otto ottoline ousmane
    owen oyelaran paavo pablo paddy padma padmini padraic padraig palesa pamela panagiotis pandora paola paolo
    paraskevi paresh parminder parvati parveen parvez pascal pascale pascual pat patrice patricia patrick patrik
    patrizia paul paula pauli paulina pauline paulo pavel pavlos pawel paweł payal pedro peggy pekka pelumi penelope
    percy perpetua perry perseus peta petar peter petr petra petronella petros petteri phaedra phelim phil philemon
    philip philipp philippa philippe philippos phillip philomena phineas phoebe phoebus phyllis pia pierre pieter
    pilar piotr pippa pita placido polly pooja prabhu pradeep pradip prakash pramod pranav prasad prashant prashanth
    pratap pratima praveen praveena preeti prem presley primrose priscilla prithvi priti priya priyanka proinsias
    przemysław puneet purnima pádraig quentin quinn quintin rabia rachael rachel rachelle rachid radek radha radhika
    radmila radomir rafael rafal rafał raffaele raghav raghavan raghu raghunath ragnar ragnhild rahul raihan raimund
    rainer raisa raj raja rajan rajeev rajendra rajesh rajinder rajiv rajkumar rajni rajnish rakesh ralf ralph ram
    rama ramesh ramon ramona ranald randall randolph randy rangi rania ranjan ranjana ranjit raoul raphael raquel
    rashid rashida rasmus ratan ratna raul ravi ravindra raymond raymund razia raúl rebecca reem reggie regina
    reginald reinder reinhard reinhold rekha remi rena renata renate rene renee rené renée reto reuben reza rhian
    rhiannon rhodri rhona rhys riaan riad ricardo riccardo richa richard rick ricky rika rinaldo ringo rita ritu
    ritva rivka robbie robert roberta roberto robin robyn rochelle roderick rodger rodney rodolfo rodrigo roelof
    rogelio roger rohan rohini rohit roisin roland rolando rolf romain roman romana romesh romilly ron ronald ronan
    ronke ronnie rory rosa rosalba rosalie rosalind rosalyn rosamund rosana rosanna rosaria rosario roscoe roselyn
    rosemarie rosemary rosetta roshan rosheen roshni rosie ross roswitha rowan rowena roxana roxanne roy roza ruairi
    ruaridh ruben rudi rudolf rudolph rufus rukmini ruman rune ruolan rupert ruqayya rushil ruslan ruslana russell
    ruth ryan ryszard róisín rónán saad saanvi sabah sabeena sabina sabine sabri sabrina sachin sade sadie sadiq
    saeed safiya sahar said saira sajid saki saleem saleh salim sally salma salome salomé salvador salvatore sam
    samantha samina samir samira samson samuel samuele sanda sandeep sander sandor sandra sangeeta sanja sanjay
    sanjeev sanne santiago santosh saoirse sapna sara sarah sarit sarita saroj sarojini sasha saskia satish satnam
    satoshi satya saul savita savitri sayed scarlett scholastica scott seamus sean sebastian sebastiano sebastián
    seema seetha segun selena selma serena serge sergei sergey sergio serkan seshadri seth severin seymour seán
    shabana shabnam shadi shaheen shailesh shakira shalini shalom shane shanelle shanice shankar shannon shantanu
    shanthi sharad sharmila sharon sharona shashi shaun shauna shawn shazia sheela sheena sheila shelley sheryl
    shigeru shilpa shinji shirin shirley shivani shlomo shobha shona shoshana shreya shreyas shubha shubham shyam
    sibongile sibusiso siddharth siegfried sieglinde sigrid sigurd silas silke silvana silvestre silvia silvio
    simeon simon simona simone sina sinead sinéad siobhain siobhan siobhán sipho sitara slavica slawomir sloane
    slobodan snežana sofia sofía soledad solomon solveig somchai sonal sondra sonia sonja sophia sophie soraya
    sorcha soren spiros spyros srdjan sreedhar sridhar srinivas stacey stacy stamatis stanislav stanisław stanley
    stavros stavroula stefan stefania stefanie stefano steffen steffi stella stephan stephane stephania stephanie
    stephen steve steven stewart stian stig stine stuart stéphane subhash sudhir sukhdev sukhwinder sulaiman
    suleiman sultana sumaya sumit sunanda sunil sunita sunniva suresh surya susan susana susanna susannah susanne
    sushil sushma sutapa suzana suzanne sven svend svetlana swapna swati sybil sylvain sylvan sylvester sylvia
    sylvie sándor séamus séverine sören sławomir tabitha tadeusz tadhg taiwo takahiro takashi takeshi talia tamar
    tamara tamika tamsin tamás tane tania tanisha tanja tanya tapan tapiwa tara tarek tariq tarun taryn tatiana
    tatjana tatum tavish tawanda tayo ted tegan temi temitope tendai tendayi teodor teodora terence teresa terrence
    terry tessa teun teófilo thabo thaddeus thandeka thandi thandiwe thanh thato thea thelma themba theo theodora
    theodore theodoros theodosia theresa therese theresia thierry thijs thomas thomasina thora thorfinn thorsten
    thulani thuli théo théodore tiago tiffany tilda tilly tim timo timon timothy timothée tina tinashe tineke
    titilayo tiziana tobias toby todd toivo tolga tolu tom tomas tomasz tomislav tommaso tommy tomoko tomás tomáš
    toni tony torben torbjørn tord tore torquil torsten tova tracey tracy tressa trevor tricia trina tristan troels
    trudy trygve tshepo tunde tuomas turlough tyler tyrell tyrone tzipora ubaldo uche uchenna udo ugo ugochukwu ulf
    ulla ulric ulrich ulrike uma umar umberto una uriah urs ursula urszula usha usman ute uwe uzoamaka vadim valdis
    valentin valentina valentino valeria valerie valeriy valter valérie vanda vanessa vangelis vanja varsha varun
    vasant vasantha vashti vasiliki vasilis vasily vasudev vasundhara veena velma venetia venkat venkatesh venu vera
    verena verity vernita vernon veronica veronika veronique vesna vibha vicente vicki victor victoria vida vidya
    viggo vijay vikas vikram vikrant viktor viktoria vilhelm vilma vimal vincent vincente vincenzo vineet vinita
    vinod viola violeta violetta virgil virginie vishal visnja vitaly vito vittorio vivek vivian viviane vivien
    vladimir vladislav vlasta vojtěch volker voula vuyo václav véronique wade wairimu wale waleed walid walt walter
    waltraud wanda wanjiku wanjiru warren wayne wei wenche wendelin wendell wendy wenjing werner wesley wibke wiebke
    wiktor wilbur wilfred wilfried wilhelm wilhelmina willa willard willem william willie wilma wim winfried
    winifred winnie winnifred winona winston wiremu witold wojciech wolfgang wolfram wouter włodzimierz xander
    xanthe xaver xavier xenia xiao xiaoming ximena xin xóchitl yaakov yael yahya yakov yan yanis yannick yannis yara
    yaroslav yash yashwant yasmeen yasmin yasser yasuko yaw yehuda yelena yemi yetunde yevgeny yewande yi yiannis
    yitzhak yogesh yoko yolanda yonatan yoon yosef yoshiko younes yousef ysabel ysolde yuki yuliya yumi yuri yuriko
    yusuf yves yvette yvonne zachariah zachary zahida zahir zahra zainab zainabu zanele zara zaynab zbigniew zdeněk
    zdzisław zeb zebulon zena zenobia zephaniah zev zeynep ziad zita zlatan zoe zofia zoja zola zoltan zora zoran
    zoya zoë zsofia zsófia zubair zuleika zulema zulfiqar zuzana éamon éva özlem øystein úna łukasz
    """.split()
)

UNSURE = frozenset(
    """
    alma amber angel april arch art ash august aurora austin basil bay bill blessing bo brand bright brook brooke
    buck carmel carter cash chad chance charity charlotte chase chelsea christian clay cliff cole colman crystal
    daisy dale dallas dan dawn dean dexter don drew duke earl eden eve faith fern fletcher florence ford garland
    gene georgia gift ginger glen grace grant guy harmony hazel heath holly hope hunter ida iris israel ivy jackson
    jade jarvis jasmine jasper jay jean jesus jewel jordan joy jun june kay ken kent kenya kim king lance lane
    laurel lee lena leo lily lincoln logan love lucky madison major marina mark max may melody mercedes mercy milan
    miles mina ming misty noble olive page paige paris parker pat patience pearl penny pierce piper porter precious
    presley preston price prince prosper prudence quincy quinn ram rama ray reed reid rich river rob robin rod roman
    ron rose royal ruby rusty sage said sam sandy savannah shannon skip sky stella sterling stone storm summer sun
    sydney tanner taylor terry trinity troy van vernon victor victoria vincent violet virginia warren will willow
    win wolf wood
    """.split()
)
