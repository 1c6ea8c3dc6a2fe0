"""Words that contracts write with a capital without naming anybody. Data only, in lower case.

A word that some firm is called by, too (Summit, Harbor), is not here: it would hide the firm.
"""

FUNCTION_WORDS = frozenset(
    """
    a about above acting additionally after against agreed all also although among amongst an and any are as at
    attention attn be because been before behalf being below between both but by c/o can co-signed come dated do does
    during each either entered even every except executed following for form formerly from further furthermore given had
    has have he hence her hereby herein hereof hereto hereunder hers him his how however if in including inter into is it
    its itself known last like made may moreover must name named neither no nor not nothing notwithstanding now of on
    once one only or other otherwise our out over pending per pursuant re said see shall she should since so some
    subject such than that the their them then there thereafter therefore thereof these they this those through thus
    to together two under unless until up upon us via vs was we were what when where whereas wherever whether which
    while who whom whose why will with within without witnesseth would yes yet you your signed
    my mine me i ours yours herself himself themselves telecopy telecopier shareholders' accordingly additional any because beginning commencing consistent consequently currently effective except
    first following fourth fifth generally here initially instead next none original please prior promptly provided
    second similarly solely specifically subsequently third three four five six seven eight nine ten whenever
    """.split()
)

ROLES = frozenset(
    """
    account accountant accountants administrator advisor adviser advisors agent agents analyst applicant appointee
    appointer appointor arbitrator architect architects arranger artist assignee assignees assignor assigns assistant
    associate associates attorney attorneys auditor auditors author bailee bailor bank banks beneficiaries beneficiary
    bidder board borrower borrowers broker brokers builder buyer buyers captain carrier chair chairman chairperson
    chairwoman chief clerk client clients commissioner commissioners committee company companies consultant consultants
    consumer contractor contractors contributor controller coordinator corporation council counsel counterparties
    counterparty covenantor creator creditor creditors custodian customer customers debtor debtors depositor deputy
    designee designer developer developers director directors disclosing discloser distributor distributors donee donor
    employee employees employer employers engineer engineers entity equityholder escrow executive executives executor
    executors expert firm founder founders franchisee franchisor fund general governor grantee grantor grantors group
    guarantor guarantors head holder holders host indemnified indemnifying indemnitee indemnitees indemnitor inspector
    insured insurer insurers investor investors issuer issuers judge landlord leader lead lender lenders lessee lessees
    lessor lessors licensee licensees licensor licensors liquidator maker manager managers managing manufacturer
    mediator member members mortgagee mortgagor nominee noteholder noteholders obligee obligor obligors officer officers
    operator operators owner owners parent participant participants parties partner partners partnership partnerships
    party payee payer payor people person persons personnel physician pledgee pledgor policyholder principal principals presidents vice-president professor processor producer promisee promisor promoter proprietor prospective provider providers publisher purchaser
    purchasers receiver recipient recipients referee registrar registrant releasee releasees releasor representative
    representatives reseller resident responsible retailer reviewer secretary seller sellers senior servant servicer
    settlor shareholder shareholders signatories signatory solicitor sponsor sponsors staff stockholder stockholders
    subcontractor subcontractors subscriber subscribers subsidiaries subsidiary subtenant successor successors
    superintendent supervisor supplier suppliers surety surveyor surveyors team tenant tenants testator treasurer trustee
    trustees trustor underwriter underwriters undersigned unitholder user users valuer vendor vendors vice volunteer
    warrantor witness witnesses worker workers affiliate affiliates admin player coach club
    """.split()
)

TERMS = frozenset(
    """
    abandonment absence abstract accelerated acceptance access accession accord accounting accounts acquired acquiring
    acquisition act action actions actual addendum address adjusted adjustment administration administrative adverse
    advance advances advertising affirmative agency aggregate agreement agreements alternate alternative amended amendment
    amendments amortization amount amounts ancillary annex annexes annual anti apartment appeal appeals appendices
    appendix applicable application appointment appraisal appraised approval approvals approved arbitration area article
    articles assessment assessments asset assets assigned assignment assumed assumption assurance assurances auction
    audit audited authorities authority authorization authorized automatic available average award background balance
    bankruptcy base baseline basic basis bid bill billing binding bonds bond bonus book books borrowing breach budget
    building buildings business by-laws bylaws calendar call cap capital capitalized card care case cash cause ceiling
    certificate certificates certification certified change changes chapter charge charges charter checklist civil claim
    claims class clause clauses clear closing closings code codes collateral collection collective combination
    commencement commercial commission commitment commitments common communication communications compensation
    competent competing completion compliance concept concession conclusive condition conditional conditions conduct
    confidential confidentiality confirmation conflict conflicts consent consents consequential consideration
    consolidated constitution constructive consultation consumption contact content contents contest contingency contingent
    continuing continuity contract contracts contribution contributions control controlled conversion convertible
    copy copies copyright copyrights corporate correction corrupt cost costs counterparts course court courts covenant
    covenants coverage credit criminal critical cumulative cure currency current cut damage damages data database date
    dates day days deadline dealings death debenture debentures debt decision declaration deed deeds default defaulted
    defaults defect defective defects deferred deficiency defined definition definitions definitive delay delays
    deliverable deliverables delivery demand denial department deposit deposits depreciation derivative description
    descriptions design desk destruction determination deviation difference diligence direct direction disability disaster
    disbursement disbursements discharge discipline disclaimer disclaimers disclosed disclosure disclosures discount
    discretion discretionary dispute disputed disputes disposal dissolution distribution distributions dividend dividends
    division document documentation documents domain domestic draft drawing drawings due duration duties duty earlier
    earned earnings earnout easement easements effect election electronic eligible email emergency employment encumbrance
    encumbrances end ended endorsement enforcement enforceability engagement engineering enterprise entire environmental
    equal equipment equity error errors estate estimate estimated estoppel event events evidence examination exceptions
    excess exchange excluded exclusion exclusions exclusive execution exempt exercise exhibit exhibits existing expansion
    expense expenses expiration expiry export exposure express expression extended extension extensions extra
    extraordinary facilities facility factor failure fair fault feature fee feedback fees fidelity fiduciary field file
    filing filings final finance financial financing financings fiscal fitness fixed fixture fixtures force foreclosure
    foreign forfeiture formal forms formation forward franchise fraud free freight frequency full fully funded funding
    funds furnishings future gain generation gift good goods governance governing government governmental gross ground
    grounds guarantee guaranteed guaranties guaranty guidelines guide handbook harassment hardware hazardous headings
    headquarters health hearing high highest hold holdback holding holiday holidays hour hours human identification
    illegal illegality immediate immigration impact import improvement improvements incentive incidental income
    incorporated incorporation indebtedness indemnification indemnified indemnities indemnity indenture independent index
    indirect industry information infrastructure infringement initial injunctive injury insolvency inspection inspections
    installation installment instalment instruction instructions instrument instruments insurance intangible integration
    intellectual intent inter-creditor interest interests interim intermediate internal international interpretation
    intervening introduction inventions inventory investment investments invoice invoices irrevocable issue issuance item
    items joint judgment judicial jurisdiction jurisdictions jury key knowledge labor labour land landlords language
    late laws law lawful lease leased leasehold leases leave ledger legal legend legislation lending letter letters level
    liabilities liability license licensed licenses licence lien liens life limit limitation limitations limited line
    liquid liquidated liquidation list listing litigation loan loans local location long loss losses low mail main
    maintenance major majority malicious management mandatory manner manual margin market marketing marks master material
    materials matter matters maturity maximum measure mechanics mediation medical meeting meetings memorandum merger mezzanine
    milestone milestones minimum minor minority minutes miscellaneous model modification modifications monetary money
    month monthly months moral mortgage mortgages motion multiple mutual names nature necessary negative negligence
    net new nominal non non-competition non-disclosure non-solicitation normal notarial notary note notes notice notices
    notification novation number numbers objection objectives obligation obligations occupancy occurrence offer offering
    offers office offices official officer's online open operating operation operational operations opinion option
    optional options order orders ordinary organization organizational outline outside outstanding overall overdue
    overhead overtime ownership package page paper paragraph paragraphs part partial parcel particular parts party's
    passing past patent patents payable payment payments payroll penalties penalty pension percentage perfection
    performance period periods permit permits permitted perpetual personal phase phased place plan planning plans plant
    platform pledge pledged point points policies policy pool portfolio portion position possession post postal
    potential power powers practice practices pre preamble preemptive preference preferred preliminary premises premium
    prepaid prepayment prepayments presentation presents preservation press prevailing previous price prices pricing
    primary prime print private privacy privileged privileges pro procedure procedures proceeding proceedings proceeds
    process processing product production products professional profit profits program programme progress prohibited
    prohibition project projects promissory promotional proof properties property proposal proposed proprietary proration
    prospectus protected protection protective protocol proviso proxy public publication publicity punch punitive
    purchase purchased purchases purpose purposes put qualified qualifying quality quantities quantity quarter quarterly
    quiet quorum quota quotation rate rated rates ratification rating ratio raw ready real reasonable receipt receipts
    receivable receivables recital recitals reconciliation record recorded records recourse recovery redemption reduction
    reference references refinancing refund register registered registration regulation regulations regulatory
    reimbursement rejection related relations relationship release released releases relevant reliance relief remainder
    remaining remedial remedies remedy remittance removal renewal renewals rent rental rentals rents reorganization repair
    repairs replacement report reporting reports representation representations repurchase request requests required
    requirement requirements resale rescission research reservation reserve reserved reserves residence residual
    residuals resignation resolution resolutions resources respective response restated restatement restoration
    restricted restriction restrictions result results retained retainage retention retirement return returns revenue
    revenues reverse reversion review revised revocation revolving right rights risk risks road royalties royalty rule
    rules safety salary sale sales sample satisfaction saving savings schedule scheduled schedules scope seal search
    section sections secured securities security segment select selling separability separate separation series service
    services set settlement severability severance severe share shared shares sheet shipment shipping short sign
    signage signature signatures significant signing single site sites sms social software sole special specific
    specification specifications specified spirit stage standard standards standing start state statement statements
    states status statute statutes statutory step stock storage street strategic strict structure study sub subcontract
    subcontracts subdivision subject subjects sublease sublicense submission subordinate subordinated subordination
    subscription subsection subsequent substance substantial substitution sum summary supplement supplemental supplements
    supplies supply support surcharge surety surplus surrender survival surviving suspension system systems table tag
    take taking target tax taxable taxes taxation taxing technical technology telecommunications telephone temporary
    tender tenure term terminal termination terms territory test testing tests text threshold time timeline timely times
    timing title titles tolling total trade trademark trademarks trading training transaction transactions transfer
    transferred transfers transition translation transmission travel treasury treatment treaty trial trigger trust type
    ultimate unaudited underlying uniform union unit units unpaid unrestricted unsecured update updates upgrade upgrades
    usage use utilities utility vacancy vacation valid validity valuation value variable variance variation vehicle venue
    verification version vesting void volume voluntary vote voting wages waiver waivers warehouse warrant warranties
    warrants warranty waste web website week weekly weekend winding wire withdrawal withholding work workday working works
    worldwide writing written wrongful year years zone zoning
    mortgaged non-recourse pari passu mutatis mutandis bona fide force majeure intercompany escrowed
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
    october november december jan feb mar apr jun jul aug sep sept oct nov dec
    u.s uk u.k usa u.s.a eu e.u gdpr gaap ifrs hmrc sec irs esq
    act acts bill bills code codes constitution convention directive directives federal national parliament president
    ministry minister department senate congress commission crown magistrate supreme high superior circuit district
    county city town township borough village municipal municipality province republic kingdom commonwealth
    office county-court chancery probate exchequer police police army navy
    page tel telephone fax facsimile phone mobile email e-mail re cc
    """.split()
)

GENERIC = FUNCTION_WORDS | ROLES | TERMS
"""What can never alone be the name of anybody."""
