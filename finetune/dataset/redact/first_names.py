"""First names that are met in contracts in English. Data only, in lower case; how they are used is persons.py's.

A name that is as often another word, a place or a firm's is in UNSURE, whether or not it is in FIRST_NAMES: it wants
more around it to count.
"""

_FIRST_NAMES = """
    aaron abdul abdullah abeni abigail abimbola abiola achieng ada adaeze adam adaobi adaora adebayo adele adeola
    adetokunbo adhiambo adisa aditi aditya adrian adriana adwoa afolabi agata agnes agnetha agnieszka ahmad ahmed
    ahmet aidan aileen ailsa ainsley aisha aisling akash akinyi akira akosua akua alain alan alana alasdair alastair
    alban albert alberto albrecht aldous aled alejandra alejandro aleksandr aleksandra alessandra alessandro alessia
    alexander alexandra alexandre alexandros alexei alexis alfie alfons alfonso alfred alfredo algernon alhaji alice
    alicia alina alison alistair aliya aliyu allan allen allison alok aloysius alpesh althea alun alvaro alvin alwyn
    amadi amadou amaka amalia amanda amara amarjit amaury amaya ambroise ambrose ambrosia ameera amelia ameya amias
    amina aminata amir amit amita amrita ana anahera anahit anand ananda ananya anastasia anatole anatoly anaïs
    anders andile andre andrea andreas andreea andrei andrej andrew andria andrzej andré andy aneesh anette aneurin
    angel angela angelica angelina angelo angharad angus anh anil anita anja anjali ankit ann anna annabel annapurna
    anne anneke annelies annelise annemarie annette annika anoushka ansel anselm ansgar ansley anthony antje antoine
    anton antonella antonia antonio anupam anya aoife aparna apolline arabella aram araminta aravind archana
    archibald archie arda aret arianna aristotelis arjan arjun armand armando armin arnaud arne arnold aroha aron
    arsène artemis arthur arturo arun aruna arvid arvind asha asher ashish ashley ashok ashwin asif asma astou
    astrid athanasios athena atticus auberon aubin aubrey augusta augustin augustine augustus aurelia aurelie
    aurelio aurelius aurélie ava avery avinash avis avishek avraham axel axelle ayesha ayodeji ayodele ayşe azadeh
    aziz aïsha babak babatunde bahar balaji balthazar balwinder bandile baptiste barbara barnabas barnabus barnaby
    barry bartholomew bartosz bartłomiej bashir bassam bastian bastien beata beatrice beatrix beatriz beau bedelia
    behrouz belinda ben benazir benedetta benedick benedict benedicta benedikt benjamin benoit bente berenice
    bernadette bernard bernardo bernd bernhard bernice bertha bertram bertrand beth bethany bettina betty beverley
    beverly bhavesh bhavna bhupinder bianca birdie birgit birgitta bjorn björn blaise blathnaid blythe boaz bogdan
    bogusław bojan bolaji bonnie boris brad bradley bramwell brandon branislav branko brayden breda brenda brendan
    brenna brett brian brid bridget brigitte briony britt britta bronagh bronwyn bruce brunhilde bruno bryan bryce
    bríd brónach bukola busisiwe byron bélinda caitlin caius caleb calista calliope callum calum calvin cameron
    camille candice candida cara carina carl carla carlisle carlo carlos carlota carmel carmela carmen carol carole
    caroline carolyn carsten carys caspar casper caspian cassandra cassian cassius catalina caterina cathal
    catherine cathy catrin catriona cecil cecile cecilia cedric celeste celestina celestine celia celine cem cerys
    chaim chandra chandrika chanel chantal chantelle charlene charles charlie charlotta charmaine chauncey cheng
    chetan chiamaka chiara chibuzo chidi chidinma chike chima chin chinedu chinonso chinwe chinyere chioma chitra
    chloe chris christa christel christiane christina christine christoph christophe christopher christophoros
    christos chukwudi chukwuemeka chun cian ciara ciaran ciarán cicely cillian claire clara clarence clarinda
    clarissa claude claudia claudine claudio claus clemence clemency clemens clement clementine cleopatra cliff
    clifford clive cloda clodagh clotilde colette colin colleen colm colman columba conall conan concepción connor
    conor conrad constance constantin constantine cora cordelia cordell corinne cormac cornelia cornelis cornelius
    corwin cory cosima cosmo courtney craig cressida crispian crispin cristian cristina cristóbal csaba curtis
    cuthbert cynthia cyprian cyprien cyriac cyril cyrus cáit cécile césar dafydd dagmar dagny daisuke dalia dalibor
    damaris damian damien damilola dan dana daniel daniela danielle danijela danila danny danuta daphne dara daragh
    daria darius darnell darragh darrell darren dashiell dave david davide davinder davor dawid dawit deborah debra
    declan deepa deepak deirbhile deirdre delia delphina delphine delroy demelza demetrius denis denise dennis derek
    dermot desdemona deshawn desirée desmond despina devdas devendra devi devika dexter dharmesh dhruv diana diane
    diarmuid diego dieter dietlinde dietmar dietrich dilip dilys dimitra dimitri dimitrios dimitris dinah dineo
    dinesh diogo dirk divya dmitri dmitriy dogan doireann dolly dolores domenico dominic dominik dominique don donal
    donald donatella donna donnacha doreen dorian doris dorota dorothea dorothy doug douglas dragan drusilla duarte
    dulcie duncan dushan dušan dwayne dylan dympna dónal eamon eamonn ebenezer eberhard ebony edeltraud edgar edith
    edmond edmund edna eduard eduardo edvard edward edwin edwina effie efua egbert eileen eilidh eilis eimear einar
    eithne ekaterina ekkehard ekow elaine eleanor eleftheria elena eleni eleonora elfrida elfriede eliana elias elif
    elijah elio eliot elisa elisabeth elise eliza elizabeth ella ellen ellie elliot elliott eloise elphine elsa
    elspeth eluned elvira elwyn emanuel emanuela emeka emeline emer emil emilia emilie emilio emily emine emma
    emmanuel emmeline emmet emre emrick emrys emyr enda endymion enid enoch enrico enrique enyinnaya enzo eoghan
    eoin ephraim erasmus eren eric erica erich erik erika erin erling ernest ernestine ernesto ernst erwin esme
    esmeralda esmé esperanza esra esteban estelle ester esther eszter ethan ethel etienne euan eudora eugene eugenia
    eugenie eunice euphemia eustace eva evadne evan evander evangelina evangelos evdokia eve evelyn everett evgeny
    ewa ewan ewart ewelina eyal ezekiel ezra fabia fabian fabien fabio fabiola fabrice fadi faisal farah farhan
    farid fathima fatima fatma fatou fatoumata faustina faustino fearghal federico fedor felicia felicitas felicity
    felipe felix felton femi femke fenella feng ferdinand ferdinando ferelith ferenc fergal fergus fernanda fernando
    ferris fiachra fidelma filip filippo finbar finlay finn finnian fintan fiona fionn fionnuala fiorella fitzroy
    flavia flavian flavio fleur florence florian floyd folake folasade folu fortunato franca frances francesca
    francesco francine francis francisco franciszek franck franco francois francoise frank franklin franz franziska
    françois françoise fraser fred freda freddie frederic frederick frederik fredrik freya freyja frida frieda
    friedrich fritz fulgencio gabor gabriel gabriela gabriele gabriella gail gaius galen ganesh gareth garrett gary
    gaspard gaurav gautam gavin gayatri gaynor geetha gemma genevieve geoff geoffrey george georges georgi georgiana
    georgina georgios gerald geraldine gerard gerda gerhard gerhardt germaine gerrit gerry gert gertraud gertrud
    gertrude gethin ghassan giancarlo gianluca gianna gianni gideon gilbert gilda giles gilles gillian gina ginevra
    giorgio giovanna giovanni girish gisela gisele giselle gita giulia giuliana giuseppe gladwin gladys glen glenda
    glenn gloria godfrey godswill godwin gokhan gonzalo gopal goran gordon graeme graham grainne greg gregor gregory
    greta gretchen griselda grzegorz gráinne gudrun guglielmo guido guillaume guillermo gulliver gunilla gunnar
    gunther gurdeep gurpreet gus gustav gustave gustavo gwen gwendoline gwendolyn gwenllian gwilym gwyneth gyula
    gábor gérard göran günter günther haakon habib hadiza hadley hadrian hakan hakim hala haldis halima hamad hamid
    hamish hamza hana hannah hanne hannelore hannes hans harald haresh hari harish harjinder harjit harold haroon
    harpreet harriet harris harry hartmut haruto harvey hasan hassan hassanal hatice hattie heather hector hedda
    hedvig hedwig heidi heidrun heike heinrich heinz helen helena helene helga helmer helmut helmuth hemant hemi
    hendrik henri henrietta henriette henrik henrike henry henryk hephzibah herbert herman hermann hermine hermione
    hester hettie hezekiah hideki hilary hilda hilde hildegard hillary hilton hind hippolyta hiram hiroki hiroko
    hiroshi hitesh holger honoria horace horatio horst hortense hortensia hosea howard hubert hubertus huda hugh
    hugo humphrey hussein huw hyacinth hyman hywel hélder hélène hüseyin iain ian ianthe ibironke ibrahim ida idris
    iestyn ieuan ifeanyi ifeoma ignace ignacio ignatius ignatz igor ikechukwu iker ikram ilaria ilie ilona ilse imad
    imani imelda immanuel imogen imran imre inbal indira ines inga inge ingeborg ingrid inigo inmaculada inès ioana
    ioannis iolo iona iqbal irene irina iris irma irmgard irving isaac isaak isabel isabella isabelle isadora isaiah
    isambard isaura iseult isha isiah isla ismael ismail ismene isolde istván itai ivan ivana iveta ivo ivor iwan
    iwona izabela jaap jabari jacek jacinta jack jackie jackson jacob jacqueline jacques jada jadwiga jagdish jago
    jai jaime jakob jakub jalal jamal james jamie jamila jan jana jane janek janet janice janina janine janos janusz
    jared jarek jarlath jaroslav jarosław jarvis jasmine jason jaspal jasper jaspreet jasvinder jaswinder javed
    javier jay jayant jayanthi jayesh jayne jean jean-claude jean-luc jean-marc jean-paul jean-pierre jeanette
    jeanne jeannette jeannine jed jedediah jeevan jeff jeffery jeffrey jelena jemima jemimah jemma jenna jennifer
    jenny jens jeremiah jeremy jerome jerry jerusha jerzy jesse jessica jesus jethro jignesh jihoon jill jim jimmy
    jing jitendra jiří jo joab joachim joakim joan joana joanna joanne joao joaquim joaquin jocasta jocelyn jochen
    joe joel joelle joerg johan johann johanna johannes john johnny jolene jolyon jon jonah jonas jonathan joost
    jordana jorg jorge jorgen joris jorunn jose josef josefa josefina josefine joseph josephine josephus josh joshua
    josiah josie joss josé jovana joy joyce jozef joão juan juana juanita jubal judah judd judith judson judy juha
    jules julia julian juliana julianna julianne julie julien juliet julieta julio julius jun jurgen jussi justin
    justine justyna jyoti jyotsna jános jérôme józef jörg jürgen kabir kadeem kagiso kaisa kaito kalpana kalyan
    kamal kamala kamau kamil kamlesh kana kanya kaori kara karan karel karen karim karin karina karl karla karthik
    karthikeyan kasia kaspar katalin katarzyna kate katell katerina kateryna kateřina katharina katherine kathleen
    kathrin kathrine kathryn kathy katia katie katrin katrina kaushik kavita kavitha kavya kay kayla kayode
    kazimierz kazimir kazuo keeley keiko keir keisha keith kelechi kelly kelvin kemal kemi ken kendra kenelm kenichi
    kenji kenneth kenny keren kerstin ketan keturah kevan kevin keziah khadeeja khadija khaled khalid khalil khushi
    kieran kieron kilian kim kimani kimberly kinga kiran kirby kirsteen kirsten kirstie kirstin kirsty kirti kishore
    kitty kjell klara klaudia klaus knut kobina koen kofi kojo konrad konstantin konstantinos korbinian kornelia
    kosta kostas krishna krista kristen kristin kristina kristján kristof kristýna krzysztof kuldeep kumar kunal
    kunle kurt kurtis kushal kwabena kwaku kwame kwasi kweku kwesi kwok kyle kylie kyoko kyriakos lachlan ladislas
    ladislav laetitia laila lakshman lakshmi lalita lalith lamar lamin landry laoise lara larisa larissa larry lars
    lasse laszlo latasha latifa latoya launcelot laura lauren laurence laurent laurentiu lauri lavanya lavinia
    lawrence layla lazar lazarus leah leander leandro leanne leanora lech leela leif leila leilani lena lenka
    lennart leo leofric leon leona leonard leonardo leoni leonie leonora leontes leontyne leopold leopoldine
    leopoldo lerato leroy lesego lesley leslie lester leszek leticia letitia lettice letty levi lewis leyla liam
    liana liat libby lidia lidija liesbeth liesl liezel lila lilian liliana lillian lillie lily lina linda lindiwe
    lindsay lindsey linnea linus lionel lisa liselotte liza ljiljana lloyd logan lois lorcan lorelei lorena lorenza
    lorenzo loretta lorna lorne lorraine lotte lottie lou louella louis louisa louise lova lovro loïc lubna luca
    lucan lucas lucasta lucia luciana luciano lucien lucille lucinda lucius lucretia lucy ludger ludmila ludmilla
    ludo ludovic ludwig luigi luis luisa lukas lukasz luke lukáš lulu luísa lydia lynda lyndon lynette lynn lynne
    lyra lysander lysandra lászló maarten mab mabel maciej madeleine madeline madhav madhavi madhu madhuri mads
    maeva maeve mafalda magda magdalena magnus maha mahendra mahesh mahmoud mahnoor maia maida maire mairead mairi
    mairéad maisie majid makena malachi malachy malcolm malcom malgorzata malika malvina mandla mandy manfred manish
    manisha manjit manju manley manoel manoj manon manpreet mansoor mansour manuel manuela mara marama marc marcel
    marcela marceline marcella marcelle marcello marcellus marcia marcin marco marcos marcus marek margaret
    margarita margherita margit margot margrethe marguerita marguerite mari maria mariam mariana marianne marie
    marie-claire mariela marielle marietta marija marijke marika marilena marilyn marina mario marion marisa marisol
    marius mariusz marjolein marjorie markku marko markus marlene marlies marloes marlon marmaduke marnie marsali
    marsha marta martha martijn martin martina martine marvin marwan mary maryam maryann marzena masahiro masako
    massimo matej mateja mateo mateusz mathew mathias mathieu mathilde matilda mats matteo matthew matthias matthieu
    mattias maud maura maureen maurice mauricio max maximilian maximiliano maximilien maximus maxine mayank mayur
    małgorzata mbali medhi meena meera megan mehdi mehmet mehreen mei meinrad melanie melinda melissa melvin melvyn
    menachem mercedes meredith meredydd merle merlin merrick mervyn meryem mette mette-marit mfanelo mhairi mia
    micah michael michaela michal michalis michel michele michelle micheál michiko mieke miguel mihaela mihai mihály
    mikael mike mikhail mikkel milan mildred milena milica millicent milos milosz miloš milton mina ming minh minna
    mira mireia mireille mirela miriam mirjam mirko miroslav mirosław misaki mitchell mitesh mohamed mohammad
    mohammed mohan mohinder mohsin moira mojisola mona moncef monica monika monique montague montgomery morag
    mordecai morgane moritz morris morten mortimer moses moshe mostafa mthunzi muhammad muireann mukesh mukul murali
    murat murdo muriel murray mustafa myfanwy myles mylène myra myrna myrtle máire mícheál nabil nadia nadine nadja
    nafisa nahum naledi nalin nalini nancy nandini nandita naoko naomi narasimha narayan narendra nasrin nasser
    natalia natalie natascha natasha natasza nathalia nathalie nathan nathanael nathaniel navdeep naveen navin
    nayeli neal ned neha nehemiah neil nella nelson nenad nerys nessa nettie neva neville ngaio ngaire ngozi nguyen
    niall niamh nicanor nicholas nick nicodemus nicola nicolai nicolas nicole nicoletta nicolette nigel nigella
    nihal nikhil nikita niklas nikola nikolai nikolaos nikolas nikos nilesh nils nilufar nina nirmala nisha nishant
    nita nitin nkechi nnamdi nneka nneoma noah noam noel noelia noelle nomsa nomvula noor noorjahan nora norah
    norbert noreen noriko norma norman norris nosipho noura noémie ntombi nuala nuno nyasha nyokabi oba obadiah
    obiageli obinna obinze obioma octavia octavian octavio octavius odette odhran odile ofelia oisin oksana olaf
    olamide olatunji olayinka oleg oleksandr oleksiy olena olga oliver olivia olivier olof olu oluchi olufemi
    olufunke olumide oluwafemi oluwaseun oluwatobi olwen omar omari omolara ondřej onyeka oona oonagh ophelia oren
    orestis orhan oriol orla orlagh orlaith orlando orsolya orson osagie osbert oscar osei oskar osman osvaldo
    oswald oswin othello otis ottilie otto ottokar ottoline ousmane owen oyelaran paavo pablo paddy padma padmini
    padraic padraig palesa pallavi pamela panagiotis pandora paola paolo paraskevi paresh parminder parthenia
    parvati parveen parvez pascal pascale paschal pascual pat patrice patricia patrick patrik patrizia patrycja paul
    paula pauli paulina pauline paulo pavel pavlos pawel paweł payal pearce pedro peggy pekka pelham pelumi penelope
    percy perdita peregrin peregrine perpetua perry persephone perseus persis peta petar peter petr petra petronella
    petros petteri petunia phaedra phelim phil philbert philemon philip philipp philippa philippe philippos phillip
    philomena phineas phoebe phoebus phyllida phyllis pia pierre pieter pilar piotr pippa pita placido polly
    pollyanna pooja portia prabhu pradeep pradip prakash pramod pranav prasad prashant prashanth pratap pratima
    praveen praveena preeti prem presley priam primrose priscilla prithvi priti priya priyanka proinsias przemysław
    puneet purnima pádraig quentin quentyn quinn quintin quintus rabia rachael rachel rachelle rachid radek radha
    radhika radmila radomir rafael rafal rafał raffaele rafferty raghav raghavan raghu raghunath ragnar ragnhild
    rahul raihan raimund rainer raisa raj raja rajan rajeev rajendra rajesh rajinder rajiv rajkumar rajni rajnish
    rakesh ralf ralph ram rama ramesh ramon ramona ranald randall randolph randy rangi rania ranjan ranjana ranjit
    raoul raphael raquel rashid rashida rasmus ratan ratna raul ravi ravindra ray raymond raymund raymundo razia
    raúl rebecca rebekah redmond reem reggie regina reginald reid reinder reinhard reinhold rekha remi rena renata
    renate rene renee rené renée reto reuben reva reyansh reza rhian rhiannon rhoda rhodri rhona rhys riaan riad
    ricardo riccardo richa richard rick ricky rika rinaldo ringo rita ritu ritva rivka rob robbie robert roberta
    roberto robin robyn rochelle roderick rodger rodney rodolfo rodrigo roelof rogelio roger rohan rohini rohit
    roisin roland rolando rolf rollo romain roman romana romeo romesh romilly romy ron ronald ronan ronke ronnie
    rory rosa rosalba rosalie rosalina rosalind rosalyn rosamond rosamund rosana rosanna rosaria rosario roscoe
    roselyn rosemarie rosemary rosetta roshan rosheen roshni rosie rosina ross roswitha rowan rowena rowland roxana
    roxanne roy roza ruairi ruairí ruaridh ruben rudi rudolf rudolph rufus rukmini ruman rune ruolan rupert ruqayya
    rushil ruslan ruslana russell ruth ryan ryszard róisín rónán saad saanvi sabah sabeena sabina sabine sabri
    sabrina sacha sachin sade sadie sadiq saeed safiya sahar said saira sajid saki saleem saleh salim sally salma
    salome salomé salvador salvatore sam samantha samina samir samira samson samuel samuele sanda sandeep sander
    sandor sandra sangeeta sanja sanjay sanjeev sanne santiago santosh saoirse sapna sara sarah sarit sarita saroj
    sarojini sasha saskia satish satnam satoshi satya saul savita savitri sayed scarlett scholastica scott seamus
    sean sebastian sebastiano sebastián seema seetha segun selena selma selwyn septimus seraphina serena serge
    sergei sergey sergio serkan seshadri seth severin severus seymour seán shabana shabnam shadi shadrach shaheen
    shailesh shakira shalini shalom shane shanelle shanice shankar shannon shantanu shanthi sharad sharmila sharon
    sharona shashi shaun shauna shawn shazia sheela sheena sheila shelley sheridan sheryl shigeru shiloh shilpa
    shinji shirin shirley shivani shlomo shobha shona shoshana shreya shreyas shubha shubham shyam sibongile
    sibusiso siddharth sidney siegfried sieglinde sigmund sigrid sigurd silas silke silvana silvanus silvestre
    silvia silvio simeon simon simona simone sina sinead sinéad siobhain siobhan siobhán sipho sitara slavica
    slawomir sloane slobodan snežana sofia sofía solange soledad solomon solveig somchai sonal sondra sonia sonja
    sophia sophie sophronia soraya sorcha soren spencer spiridon spiros spyros srdjan sreedhar sridhar srinivas
    stacey stacy stamatis stanislav stanisław stanley stavros stavroula stefan stefania stefanie stefano steffen
    steffi stella stephan stephane stephania stephanie stephen steve steven stewart stian stig stine stuart stéphane
    subhash sudhir sukhdev sukhwinder sulaiman suleiman sultana sumaya sumit sunanda sunil sunita sunniva suresh
    surya susan susana susanna susannah susanne sushil sushma sutapa suzana suzanne sven svend svetlana swapna swati
    sybil sybilla sylvain sylvan sylvester sylvia sylvie sándor séamus séverine sören sławomir tabitha tadeusz tadhg
    taiwo takahiro takashi takeshi talia tamar tamara tamika tamsin tamás tane tania tanisha tanja tanya tapan
    tapiwa tara tarek tariq tarquin tarun taryn tatiana tatjana tatum tavish tawanda tayo ted tegan temi temitope
    tendai tendayi teodor teodora terence teresa terrence terry tessa teun teófilo thabo thaddea thaddeus thandeka
    thandi thandiwe thanh thato thea thelma thelonious themba theo theodora theodore theodoros theodosia theodosius
    theophilus theresa therese theresia thierry thijs thistle thomas thomasina thora thorfinn thorsten thulani thuli
    thurstan théo théodore tiago tiberius tiffany tilda tilly tim timo timon timothy timothée tina tinashe tineke
    titilayo titus tiziana tobiah tobias toby todd toivo tolga tolu tom tomas tomasz tomislav tommaso tommy tomoko
    tomás tomáš toni tony torben torbjørn tord tore torin torquil torsten tova tracey tracy tressa trevor tricia
    trina tristan tristram trixie troels trudy trygve tshepo tudor tunde tuomas turlough tybalt tyler tyrell tyrion
    tyrone tzipora ubaldo uche uchenna udo ugo ugochukwu ulf ulises ulla ulric ulrich ulrike ulysses uma umar
    umberto una uriah urs ursula urszula usha usman ute uwe uzoamaka vadim valdis valentia valentin valentina
    valentino valeria valerie valeriy valter valérie vanda vanessa vangelis vanja varsha varun vasant vasantha
    vashti vasiliki vasilis vasily vasudev vasundhara vaughn veena velma venetia venkat venkatesh venu vera verena
    verity vernita vernon veronica veronika veronique vesna vibha vicente vicki victor victoria vida vidal vidya
    viggo vijay vikas vikram vikrant viktor viktoria vilhelm vilma vimal vincent vincente vincenzo vineet vinita
    vinod viola violeta violetta virgil virginie vishal visnja vitaly vito vittorio vivek vivian viviane vivien
    vivienne vladimir vladislav vlasta vojtěch volker voula vuyo václav véronique wade wairimu walburga waldo wale
    waleed walid walt walter waltraud wanda wanjiku wanjiru warren wayne wei wenche wendelin wendell wendy wenjing
    werner wesley whitney wibke wiebke wiktor wilbur wilfred wilfrid wilfried wilhelm wilhelmina willa willard
    willem william willie wilma wim winfried winifred winnie winnifred winona winslow winston winthrop wiremu witold
    wojciech wolfgang wolfram woodrow wouter wulfric wystan włodzimierz xander xanthe xanthia xaver xavier xenia
    xerxes xiao xiaoming ximena xin xóchitl yaakov yael yahya yakov yan yanis yannick yannis yara yaroslav yash
    yashwant yasmeen yasmin yasser yasuko yaw yehuda yehudi yelena yemi yetunde yevgeny yewande yi yiannis yitzhak
    yogesh yoko yolanda yonatan yoon yorick yosef yoshiko younes yousef ysabeau ysabel ysolde yuki yuliya yumi yuri
    yuriko yusuf yves yvette yvonne zachariah zacharias zachary zadie zahida zahir zahra zainab zainabu zander
    zanele zara zaynab zbigniew zdeněk zdzisław zeb zebedee zebediah zebulon zelda zena zenobia zenon zephaniah zev
    zeynep ziad zinnia zita zlatan zoe zofia zoja zola zoltan zora zoran zoya zoë zsofia zsófia zubair zuleika
    zulema zulfiqar zuzana éamon éva özlem øystein úna łukasz
"""
_UNSURE = """
    alma amber angel april arch art ash august aurora austin basil bay bill blessing bo brand bright brook brooke
    buck carmel carter cash chad chance charity charlotte chase chelsea christian clay cliff cole colman crystal
    daisy dale dallas dawn dean don drew duke earl eden faith fern fletcher florence ford garland gene georgia gift
    ginger grace grant guy harmony hazel heath holly hope hunter israel ivy jackson jade jarvis jasmine jasper jesus
    jewel jordan jun june kay kent kenya kim king lance lane laurel lee lily lincoln logan love lucky madison major
    marina mark may melody mercedes mercy milan miles mina ming misty noble olive page paige paris parker patience
    pearl penny pierce piper porter precious presley preston price prince prosper prudence quincy quinn ram rama
    reed rich river rod roman rose royal ruby rusty sage said sandy savannah shannon skip sky stella sterling stone
    storm summer sun sydney tanner taylor trinity troy van victoria violet virginia warren will willow win wolf wood
"""

FIRST_NAMES = frozenset(_FIRST_NAMES.split())
UNSURE = frozenset(_UNSURE.split())
