"""Words that contracts write with a capital without naming anybody. Data only, in lower case.

A word that some firm is called by, too (Summit, Harbor), is not here: it would hide the firm.
"""

_FUNCTION_WORDS = """
    ring call phone telephone text email ask write send see contact tell dial visit mail fax pay speak
    a about above accordingly acting additional additionally after against agreed all also although among amongst an
    and any are as at attention attn be because been before beginning behalf being below between both but by c/o can
    co-signed come commencing consequently consistent currently dated do does during each effective eight either
    entered even every except executed fifth first five following for form formerly four fourth from further
    furthermore generally given had has have he hence her here hereby herein hereof hereto hereunder hers herself
    him himself his how however i if in including initially instead inter into is it its itself known last like made
    may me mine moreover must my name named neither next nine no none nor not nothing notwithstanding now of on once
    one only or original other otherwise our ours out over pending per please prior promptly provided pursuant re
    said second see seven shall shareholders' she should signed similarly since six so solely some specifically
    subject subsequently such telecopier telecopy ten than that the their them themselves then there thereafter
    therefore thereof these they third this those three through thus to together two under unless until up upon us
    via vs was we were what when whenever where whereas wherever whether which while who whom whose why will with
    within without witnesseth would yes yet you your yours
"""
_ROLES = """
    account accountant accountants admin administrator adviser advisor advisors affiliate affiliates agent agents
    analyst applicant appointee appointer appointor arbitrator architect architects arranger artist assignee
    assignees assignor assigns assistant associate associates attorney attorneys auditor auditors author bailee
    bailor bank banks beneficiaries beneficiary bidder board borrower borrowers broker brokers builder buyer buyers
    captain carrier chair chairman chairperson chairwoman chief clerk client clients club coach commissioner
    commissioners committee companies company consultant consultants consumer contractor contractors contributor
    controller coordinator corporation council counsel counterparties counterparty covenantor creator creditor
    creditors custodian customer customers debtor debtors depositor deputy designee designer developer developers
    director directors discloser disclosing distributor distributors donee donor employee employees employer
    employers engineer engineers entity equityholder escrow executive executives executor executors expert firm
    founder founders franchisee franchisor fund general governor grantee grantor grantors group guarantor guarantors
    head holder holders host indemnified indemnifying indemnitee indemnitees indemnitor inspector insured insurer
    insurers investor investors issuer issuers judge landlord lead leader lender lenders lessee lessees lessor
    lessors licensee licensees licensor licensors liquidator maker manager managers managing manufacturer mediator
    member members mortgagee mortgagor nominee noteholder noteholders obligee obligor obligors officer officers
    operator operators owner owners parent participant participants parties partner partners partnership
    partnerships party payee payer payor people person personnel persons physician player pledgee pledgor
    policyholder presidents principal principals processor producer professor promisee promisor promoter proprietor
    prospective provider providers publisher purchaser purchasers receiver recipient recipients referee registrant
    registrar releasee releasees releasor representative representatives reseller resident responsible retailer
    reviewer secretary seller sellers senior servant servicer settlor shareholder shareholders signatories signatory
    solicitor sponsor sponsors staff stockholder stockholders subcontractor subcontractors subscriber subscribers
    subsidiaries subsidiary subtenant successor successors superintendent supervisor supplier suppliers surety
    surveyor surveyors team tenant tenants testator treasurer trustee trustees trustor undersigned underwriter
    underwriters unitholder user users valuer vendor vendors vice vice-president volunteer warrantor witness
    witnesses worker workers
"""
_TERMS = """
    development developments merger mergers acquisitions research
    abandonment absence abstract accelerated acceptance access accession accord accounting accounts acquired
    acquiring acquisition act action actions acts actual addendum address adjusted adjustment administration
    administrative advance advances adverse advertising affirmative agency aggregate agreement agreements alternate
    alternative amended amendment amendments amortization amount amounts ancillary annex annexes annual anti
    apartment appeal appeals appendices appendix applicable application appointment appraisal appraised approval
    approvals approved apr april arbitration area army article articles assessment assessments asset assets assigned
    assignment assumed assumption assurance assurances auction audit audited aug august authorities authority
    authorization authorized automatic available average award background balance bankruptcy base baseline basic
    basis bid bill billing bills binding bona bond bonds bonus book books borough borrowing breach budget building
    buildings business by-laws bylaws calendar call cap capital capitalized card care case cash cause cc ceiling
    certificate certificates certification certified chancery change changes chapter charge charges charter
    checklist circuit city civil claim claims class clause clauses clear closing closings code codes collateral
    collection collective combination commencement commercial commission commitment commitments common commonwealth
    communication communications compensation competent competing completion compliance concept concession
    conclusive condition conditional conditions conduct confidential confidentiality confirmation conflict conflicts
    congress consent consents consequential consideration consolidated constitution constructive consultation
    consumption contact content contents contest contingency contingent continuing continuity contract contracts
    contribution contributions control controlled convention conversion convertible copies copy copyright copyrights
    corporate correction corrupt cost costs counterparts county county-court course court courts covenant covenants
    coverage credit criminal critical crown cumulative cure currency current cut damage damages data database date
    dates day days deadline dealings death debenture debentures debt dec december decision declaration deed deeds
    default defaulted defaults defect defective defects deferred deficiency defined definition definitions
    definitive delay delays deliverable deliverables delivery demand denial department deposit deposits depreciation
    derivative description descriptions design desk destruction determination deviation difference diligence direct
    direction directive directives disability disaster disbursement disbursements discharge discipline disclaimer
    disclaimers disclosed disclosure disclosures discount discretion discretionary disposal dispute disputed
    disputes dissolution distribution distributions district dividend dividends division document documentation
    documents domain domestic draft drawing drawings due duration duties duty e-mail e.u earlier earned earnings
    earnout easement easements effect election electronic eligible email emergency employment encumbrance
    encumbrances end ended endorsement enforceability enforcement engagement engineering enterprise entire
    environmental equal equipment equity error errors escrowed esq estate estimate estimated estoppel eu event
    events evidence examination exceptions excess exchange exchequer excluded exclusion exclusions exclusive
    execution exempt exercise exhibit exhibits existing expansion expense expenses expiration expiry export exposure
    express expression extended extension extensions extra extraordinary facilities facility facsimile factor
    failure fair fault fax feature feb february federal fee feedback fees fide fidelity fiduciary field file filing
    filings final finance financial financing financings fiscal fitness fixed fixture fixtures force foreclosure
    foreign forfeiture formal formation forms forward franchise fraud free freight frequency friday full fully
    funded funding funds furnishings future gaap gain gdpr generation gift good goods governance governing
    government governmental gross ground grounds guarantee guaranteed guaranties guaranty guide guidelines handbook
    harassment hardware hazardous headings headquarters health hearing high highest hmrc hold holdback holding
    holiday holidays hour hours human identification ifrs illegal illegality immediate immigration impact import
    improvement improvements incentive incidental income incorporated incorporation indebtedness indemnification
    indemnified indemnities indemnity indenture independent index indirect industry information infrastructure
    infringement initial injunctive injury insolvency inspection inspections installation installment instalment
    instruction instructions instrument instruments insurance intangible integration intellectual intent
    inter-creditor intercompany interest interests interim intermediate internal international interpretation
    intervening introduction inventions inventory investment investments invoice invoices irrevocable irs issuance
    issue item items jan january joint judgment judicial jul july jun june jurisdiction jurisdictions jury key
    kingdom knowledge labor labour land landlords language late law lawful laws lease leased leasehold leases leave
    ledger legal legend legislation lending letter letters level liabilities liability licence license licensed
    licenses lien liens life limit limitation limitations limited line liquid liquidated liquidation list listing
    litigation loan loans local location long loss losses low magistrate mail main maintenance majeure major
    majority malicious management mandatory manner manual mar march margin market marketing marks master material
    materials matter matters maturity maximum may measure mechanics mediation medical meeting meetings memorandum
    merger mezzanine milestone milestones minimum minister ministry minor minority minutes miscellaneous mobile
    model modification modifications monday monetary money month monthly months moral mortgage mortgaged mortgages
    motion multiple municipal municipality mutandis mutatis mutual names national nature navy necessary negative
    negligence net new nominal non non-competition non-disclosure non-recourse non-solicitation normal notarial
    notary note notes notice notices notification nov novation november number numbers objection objectives
    obligation obligations occupancy occurrence oct october offer offering offers office officer's offices official
    online open operating operation operational operations opinion option optional options order orders ordinary
    organization organizational outline outside outstanding overall overdue overhead overtime ownership package page
    paper paragraph paragraphs parcel pari parliament part partial particular parts party's passing passu past
    patent patents payable payment payments payroll penalties penalty pension percentage perfection performance
    period periods permit permits permitted perpetual personal phase phased phone place plan planning plans plant
    platform pledge pledged point points police policies policy pool portfolio portion position possession post
    postal potential power powers practice practices pre preamble preemptive preference preferred preliminary
    premises premium prepaid prepayment prepayments presentation presents preservation president press prevailing
    previous price prices pricing primary prime print privacy private privileged privileges pro probate procedure
    procedures proceeding proceedings proceeds process processing product production products professional profit
    profits program programme progress prohibited prohibition project projects promissory promotional proof
    properties property proposal proposed proprietary proration prospectus protected protection protective protocol
    province proviso proxy public publication publicity punch punitive purchase purchased purchases purpose purposes
    put qualified qualifying quality quantities quantity quarter quarterly quiet quorum quota quotation rate rated
    rates ratification rating ratio raw re ready real reasonable receipt receipts receivable receivables recital
    recitals reconciliation record recorded records recourse recovery redemption reduction reference references
    refinancing refund register registered registration regulation regulations regulatory reimbursement rejection
    related relations relationship release released releases relevant reliance relief remainder remaining remedial
    remedies remedy remittance removal renewal renewals rent rental rentals rents reorganization repair repairs
    replacement report reporting reports representation representations republic repurchase request requests
    required requirement requirements resale rescission research reservation reserve reserved reserves residence
    residual residuals resignation resolution resolutions resources respective response restated restatement
    restoration restricted restriction restrictions result results retainage retained retention retirement return
    returns revenue revenues reverse reversion review revised revocation revolving right rights risk risks road
    royalties royalty rule rules safety salary sale sales sample satisfaction saturday saving savings schedule
    scheduled schedules scope seal search sec section sections secured securities security segment select selling
    senate sep separability separate separation sept september series service services set settlement severability
    severance severe share shared shares sheet shipment shipping short sign signage signature signatures significant
    signing single site sites sms social software sole special specific specification specifications specified
    spirit stage standard standards standing start state statement statements states status statute statutes
    statutory step stock storage strategic street strict structure study sub subcontract subcontracts subdivision
    subject subjects sublease sublicense submission subordinate subordinated subordination subscription subsection
    subsequent substance substantial substitution sum summary sunday superior supplement supplemental supplements
    supplies supply support supreme surcharge surety surplus surrender survival surviving suspension system systems
    table tag take taking target tax taxable taxation taxes taxing technical technology tel telecommunications
    telephone temporary tender tenure term terminal termination terms territory test testing tests text threshold
    thursday time timeline timely times timing title titles tolling total town township trade trademark trademarks
    trading training transaction transactions transfer transferred transfers transition translation transmission
    travel treasury treatment treaty trial trigger trust tuesday type u.k u.s u.s.a uk ultimate unaudited underlying
    uniform union unit units unpaid unrestricted unsecured update updates upgrade upgrades usa usage use utilities
    utility vacancy vacation valid validity valuation value variable variance variation vehicle venue verification
    version vesting village void volume voluntary vote voting wages waiver waivers warehouse warrant warranties
    warrants warranty waste web website wednesday week weekend weekly winding wire withdrawal withholding work
    workday working works worldwide writing written wrongful year years zone zoning
"""
_ADJECTIVES = """
    advising benefit benevolent blank captive channel collecting confirming defaulting depository education eligible
    entire family feeder fronting grantor hedge investment irrevocable issuing lending liability limited living
    managed master medical mutual national operating ordinary paid-in parent paying pooled portfolio private
    professional project public rabbi reference relevant revocable self shell sinking state statutory successor
    surviving swingline target trading umbrella unit voting welfare whole wider working
"""
_COMMON_IN_FIRMS = """
    advanced alpha apex best beta big black blue bright century choice classic cloud community country creative
    crown digital diversified dynamic eagle elite energy farm farms fidelity first five food foods four freedom
    frontier fusion global gold golden grand great green harbor harbour heritage home horizon house ideal innovative
    inter island king lake landmark liberty life logistics lone media metro metropolitan modern mountain mutual
    national nature network new next noble northern oak ocean old one park patriot peak people pine pioneer planet
    plaza power premier premium prime pro progressive pure quality quest rapid red regent reliable river rock royal
    school science select silver sky smart solar solid solutions southern spring star sterling stone strategic
    summit sun superior sure tech top total tower town tree tri true twin ultra unique universal urban valley value
    vanguard village vision vista water wave white wild wind wise wood world young
"""

FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
ROLES = frozenset(_ROLES.split())
GENERIC = FUNCTION_WORDS | ROLES | frozenset(_TERMS.split())
"""What can never alone be the name of anybody."""

ADJECTIVES = frozenset(_ADJECTIVES.split())
"""What stands before Bank, Trust or Company in a defined term, and before other words in a name."""

COMMON_IN_FIRMS = frozenset(_COMMON_IN_FIRMS.split())
"""What many firms begin with, so that one of these words is no short form of any."""
