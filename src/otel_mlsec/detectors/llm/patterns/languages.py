"""Other languages: forget your instructions, show your instructions.

By stems.  Romance and Germanic phrases ask for a determiner of their own language between verb and object, since
`ignor… instruc…` is English, too.  RE2's `\\w` and `\\b` are ASCII, so words end where spaces or marks do.
"""

from collections.abc import Iterator

from otel_mlsec.detectors.llm.patterns import Rule

EARLIER = 2.5  # weight of forgetting what came before, without a word for instructions
_START = r"(?:^|[\s\"'(«¡¿:,.\-–—])"

# language: (forget, determiner, what) — one to three words may stand between determiner and object
_WITH_DETERMINER = {
    "fr": (r"ignore[zr]?s?|ignorant|oublie[zr]?s?|n[ée]glige[zr]?|contourne[zr]?|outrepasse[zr]?|d[ée]sob[ée]i\S*|ne (?:tiens|tenez|suis|suivez) (?:pas|plus)\S*|fais abstraction|faites abstraction",
           r"les|tes|vos|ces|mes|l|la|le|toutes?|tous|tout|compte|des|de|leurs?", r"instructions?|consignes?|directives?|r[èe]gles?|ordres?|prompts?|restrictions?|limit\S+|programmation|ce qui pr|ce que (?:je|tu|vous|l)|message pr"),
    "es": (r"ignor[aeáeo]\S*|olv[ií]d[aeá]\S*|desatiend\S*|desobede\S*|omit[ea]\S*|descart[ae]\S*|s[áa]lta\S*|elude|haz caso omiso|no (?:hagas|sigas|tengas|sigan)",
           r"las|los|tus|sus|mis|todo|todas|todos|esas|esos|la|el|caso|en|de|cualquier", r"instrucci\S{2}\S*|indicacion\S*|[óo]rden\S*|reglas?|directric\S*|directriz|lo (?:que|anterior)|prompts?|restricci\S{2}\S*|normas?|programaci[óo]n|mensaje anterior"),
    "pt": (r"ignor[aeáo]\S*|esque[çc]\S*|desconsider\S*|desrespeit\S*|desobede\S*|contorn\S*|n[ãa]o (?:siga|sigas|obede[çc]a)",
           r"as|os|suas?|seus?|todas?|todos?|tudo|essas?|minhas|o|a|quaisquer|tuas", r"instru[çc][õo]es|instru[çc][ãa]o|orienta[çc]\S*|ordens?|regras?|diretriz\S*|o que|prompts?|restri[çc]\S*|comandos?|programa[çc][ãa]o"),
    "it": (r"ignor[aiè]\S*|dimentic\S*|trascur\S*|scord\S*|disobbed\S*|aggira\S*|annulla|ometti|non (?:seguire|considerare|tenere|tener)",
           r"le|i|gli|la|il|tutte?|tutti|tutto|tue|tuoi|queste?|quello|conto|ogni", r"istruzion\S*|indicazion\S*|regol\S*|direttiv\S*|ordin\S*|che (?:ti|ho|hai)|prompts?|restrizion\S*|comand\S*|programmazione"),
    "ro": (r"ignor[ăa]\S*|uit[ăa]\S*|nesocote\S*|anuleaz[ăa]", r"toate|tot|orice|cele|regulile|instruc\S*|restric\S*", r"instruc[țt]iun\S*|indica[țt]\S*|regul\S*|ce (?:ai|ți|ti)|prompt\S*|restric[țt]\S*|dinainte|anterioare"),
    "nl": (r"negeer|vergeet|omzeil|sla", r"alle|alles|de|het|je|uw|jouw|deze|wat", r"instructies?|opdrachten|regels?|aanwijzingen|prompts?|voorgaande|eerder\S*|richtlijnen|beperkingen"),
    "de": (r"umgeh\S*|missacht\S*|ignorier\S*|vergiss|vergesst|vergessen sie|übergeh\S*|befolge nicht|setz\S* dich|verwirf",
           r"die|alle|alles|deine\S*|ihre\S*|obige\S*|vorherige\S*|bisherige\S*|was|über|sämtliche\S*", r"anweisung\S*|regeln?|vorgaben?|richtlinien?|programmierung|einschränkung\S*|beschränkung\S*|instruktion\S*|zuvor|vorher|davor|prompts?|sicherheits\S*|befehle?"),
    "sv": (r"ignorera|glöm|bortse från|strunta i", r"alla|alla dina|dina|de|allt|mina|tidigare|föregående", r"instruktion\S*|regler\S*|anvisning\S*|riktlinjer\S*|order|prompt\S*|tidigare|ovan\S*|begränsning\S*"),
    "da": (r"ignorer|ignorér|glem|se bort fra|tilsidesæt|overse", r"alle|alt|dine|de|mine|tidligere|foregående|forrige", r"instruktion\S*|instruks\S*|regler\S*|anvisning\S*|retningslinjer\S*|ordrer?|prompt\S*|ovenstående|tidligere|begrænsning\S*|begrensning\S*"),
    "tl": (r"balewalain|kalimutan|huwag (?:pansinin|sundin)|lampasan|ipagwalang-bahala", r"ang|lahat|mga|iyong", r"tagubilin|utos|patakaran|panuto|sinabi|naunang|instruksyon|instruction"),
    "id": (r"abaikan|lupakan|jangan (?:ikuti|hiraukan|patuhi)|kesampingkan|acuhkan", r"semua|segala|seluruh|instruksi|perintah|aturan|arahan", r"instruksi|perintah|aturan|arahan|pedoman|petunjuk|sebelumnya|di atas|prompt|terdahulu|batasan"),
    "sw": (r"puuza|sahau|usifuate", r"maagizo|maelekezo|kanuni|sheria|yote", r"yote|yaliyotangulia|ya awali|ya hapo awali|za awali|zote|maagizo|sheria|kanuni"),
}  # fmt: skip

# language: (forget, what, earlier), in either order, up to five words between; people forget earlier messages, too
_FREE = {
    "pl": (r"ignoruj\S*|zignoruj\S*|zapomnij\S*|pomiń\S*|nie (?:przestrzegaj|stosuj|zważaj)\S*|odrzuć", r"instrukcj\S*|polece\S*|zasad\S*|wytyczn\S*|prompt\S*|ogranicze\S*|reguł\S*", r"poprzedni\S*|wcześniejsz\S*|powyższ\S*"),
    "cs": (r"ignoruj\S*|zapomeň\S*|zapomeňte|nevšímej|neřiď se|pomiň|zabudni\S*|ignorujte|ignoruj", r"instrukc\S*|pokyn\S*|příkaz\S*|pravid\S*|inštrukci\S*|promp\S*|omezen\S*", r"předchoz\S*|predchádzajúc\S*|výše"),
    "hr": (r"ignoriraj\S*|zaboravi\S*|zanemari\S*|ignoriši\S*|игнориши|заборави|занемари", r"uput\S*|instrukcij\S*|pravil\S*|naredb\S*|упутств\S*|инструкциј\S*|правила", r"prethodn\S*|претходн\S*"),
    "hu": (r"hagyd figyelmen kívül|hagyja figyelmen kívül|felejtsd el|felejtse el|ne vedd figyelembe|ne kövesd|mellőzd", r"utasítás\S*|szabály\S*|promp\S*|irányelv\S*|parancs\S*", r"előző\S*|korábbi\S*|fenti\S*"),
    "fi": (r"unohda|jätä huomiotta|ohita|älä (?:noudata|välitä)|sivuuta", r"ohje\S*|sään\S*|määräyk\S*|käsky\S*|kehot\S*|rajoituk\S*", r"aiem\S*|edelli\S*|yllä\S*"),
    "tr": (r"yok say\S*|görmezden gel\S*|unut\S*|göz ardı et\S*|dikkate alma\S*|uyma\S*|boş ver|es geç", r"talimat\S*|kural\S*|yönerge\S*|komut\S*|emir\S*|kısıtlama\S*|istem\S*", r"önceki\S*|yukarıdaki\S*"),
    "ru": (r"игнорир\S*|проигнорир\S*|забуд\S*|отбрось\S*|пренебре\S*|не (?:следуй|обращай|соблюдай|выполняй)\S*|отмени\S*|обойди\S*|нарушь\S*", r"инструкц\S*|указани\S*|правил\S*|команд\S*|промпт\S*|ограничени\S*|приказ\S*|сказанн\S*|распоряжени\S*|подсказк\S*|настройк\S*|директив\S*", r"предыдущ\S*|прежни\S*|выше\S*"),
    "uk": (r"ігнору\S*|проігнору\S*|забудь\S*|знехтуй\S*|не (?:дотримуйся|зважай|виконуй)\S*|відкинь\S*", r"інструкц\S*|вказівк\S*|правил\S*|наказ\S*|обмежен\S*|команд\S*|промпт\S*|настанов\S*", r"попередн\S*"),
    "bg": (r"игнорирай\S*|забрави\S*|пренебрегни\S*|не спазвай", r"инструкц\S*|указани\S*|правил\S*|команд\S*|ограничени\S*|заповед\S*", r"предишн\S*"),
    "el": (r"αγνόησε|αγνοήστε|αγνόησες|ξέχασε|ξεχάστε|παράβλεψε|παραβλέψτε|μην ακολουθ\S*|παράκαμψε", r"οδηγί\S*|εντολ\S*|κανόν\S*|περιορισμ\S*|κατευθύνσε\S*", r"προηγούμεν\S*|παραπάνω"),
    "ar": (r"تجاهل\S*|تجاهلي|انس\S*|إنس\S*|تغاض\S*|لا تتبع\S*|تخطى\S{0,2}|اهمل\S*|أهمل\S*", r"\S*تعليمات\S*|\S*توجيهات\S*|\S*أوامر\S*|\S*اوامر\S*|\S*قواعد\S*|\S*قيود\S*|\S*إرشادات\S*|\S*ارشادات\S*", r"\S*سابق\S*"),
    "fa": (r"نادیده بگیر\S*|فراموش کن\S*|بی‌خیال|چشم‌پوشی|پیروی نکن\S*|کنار بگذار\S*|توجه نکن\S*", r"دستور\S*|قوانین\S*|قواعد\S*|راهنما\S*|محدودیت\S*", r"قبلی\S*|پیشین\S*|بالا"),
    "he": (r"התעלם\S*|התעלמי|תתעלם\S*|שכח\S*|תשכח\S*|אל תציית\S*|עקוף", r"\S*הוראות\S*|\S*הנחיות\S*|\S*כללים\S*|\S*פקודות\S*|\S*מגבלות\S*", r"\S*קודמ\S*"),
    "hi": (r"अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल जा\S*|उपेक्षा|पालन न करें|पालन मत|अनसुना|रद्द", r"निर्देश\S*|नियम\S*|आदेश\S*|प्रतिबंध\S*|हिदायत\S*", r"पिछल\S*|पूर्व\S*|ऊपर"),
    "bn": (r"উপেক্ষা|ভুলে যা\S*|অগ্রাহ্য|মানবেন না|বাদ দা\S*|বাদ দিন", r"নির্দেশ\S*|নিয়ম\S*|আদেশ\S*|বিধিনিষেধ", r"পূর্ববর্তী\S*|আগের|উপরের"),
    "ta": (r"புறக்கணி\S*|மறந்து\S*|பின்பற்ற வேண்டாம்|பின்பற்றாதே\S*", r"வழிமுறை\S*|அறிவுறுத்தல்\S*|விதி\S*|கட்டளை\S*", r"முந்தைய|மேலே"),
    "vi": (r"bỏ qua|phớt lờ|quên|đừng (?:làm theo|tuân theo|tuân thủ)|không tuân theo|lờ đi", r"hướng dẫn|chỉ thị|chỉ dẫn|quy tắc|lệnh|mệnh lệnh|giới hạn|lời nhắc|quy định", r"trước đó|trước đây|bên trên|ở trên"),
}  # fmt: skip

_ALL = r"все|всё|всі|усі|всичк\S*|wszystk\S*|vše\S*|všechn\S*|sve|tüm|bütün|minden|kaikki|όλ\S*|كل|جميع|تمام|همه|כל|सभी|सब|সব|সমস্ত|mọi|tất cả"

# Scripts without spaces
_DENSE = (
    Rule("forget_th", "override", 5, r"(?:เพิกเฉย|ละเว้น|ลืม|ไม่ต้องสนใจ|อย่าสนใจ|มองข้าม|ข้าม|ไม่ต้องทำตาม|อย่าทำตาม|ละทิ้ง).{0,40}(?:คำสั่ง|คำแนะนำ|กฎ|ข้อจำกัด|ข้อกำหนด|แนวทาง)"),
    Rule("earlier_th", "override", EARLIER, r"(?:เพิกเฉย|ละเว้น|ลืม|ไม่ต้องสนใจ|อย่าสนใจ|มองข้าม|ข้าม|ไม่ต้องทำตาม|อย่าทำตาม|ละทิ้ง).{0,40}(?:ก่อนหน้า|ข้างต้น)"),
    Rule("forget_zh", "override", 5, r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|不要理會|不理会|不要遵[守循]|不用管|跳过|跳過|绕过|繞過|抛开|拋開|撇开|放弃|违反|取消|推翻|覆盖|解除|摆脱).{0,20}(?:指令|指示|提示|规则|規則|命令|说明|說明|限制|要求|约束|約束|规定|規定|设定|設定|准则|守则)"),
    Rule("everything_zh", "override", 5, r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|不要理會|不理会|不要遵[守循]|不用管|跳过|跳過|绕过|繞過|抛开|拋開|撇开|放弃|违反|取消|推翻|覆盖|解除|摆脱).{0,20}(?:之前|以上|上面|前面|先前).{0,4}(?:所有|一切|全部)|(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|不要理會|不理会|不要遵[守循]|不用管|跳过|跳過|绕过|繞過|抛开|拋開|撇开|放弃|违反|取消|推翻|覆盖|解除|摆脱).{0,10}(?:所有|一切|全部).{0,4}(?:之前|以上|上面|前面|先前)"),
    Rule("everything_ja", "override", 5, r"(?:上記|以前|これまで|前の).{0,6}(?:すべて|全て|全部).{0,24}(?:無視|忘れ|従わ(?:ない|ず)|破棄|取り消|スキップ|無効|解除|守らな|破っ|上書き)"),
    Rule("everything_ko", "override", 5, r"(?:이전|위의|앞의).{0,6}(?:모든|모두|전부).{0,24}(?:무시|잊어|잊고|따르지|건너뛰|무효|취소|어겨|우회|해제|벗어나)"),
    Rule("earlier_zh", "override", EARLIER, r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|不要理會|不理会|不要遵[守循]|不用管|跳过|跳過|绕过|繞過|抛开|拋開|撇开|放弃|违反|取消|推翻|覆盖|解除|摆脱).{0,20}(?:之前|以上|上面|前面|先前)"),
    Rule("forget_ja", "override", 5, r"(?:指示|命令|ルール|プロンプト|制約|制限|規則|設定|指令|ガイドライン).{0,24}(?:無視|忘れ|従わ(?:ない|ず)|破棄|取り消|スキップ|無効|解除|守らな|破っ|上書き)"),
    Rule("earlier_ja", "override", EARLIER, r"(?:上記|以前|これまで|前の).{0,24}(?:無視|忘れ|従わ(?:ない|ず)|破棄|取り消|スキップ|無効|解除|守らな|破っ|上書き)"),
    Rule("forget_ko", "override", 5, r"(?:지시|명령|규칙|프롬프트|지침|제한|제약|설정|가이드라인).{0,24}(?:무시|잊어|잊고|따르지|건너뛰|무효|취소|어겨|우회|해제|벗어나)"),
    Rule("earlier_ko", "override", EARLIER, r"(?:이전|위의|앞의).{0,24}(?:무시|잊어|잊고|따르지|건너뛰|무효|취소|어겨|우회|해제|벗어나)"),
)  # fmt: skip

# language: (show, what is the model's own)
_OWN = {
    "fr": (r"r[ée]v[èée]l\S+|montre\S*|affiche\S*|donne\S*|dis-?moi|dites|r[ée]p[èée]te\S*|imprime\S*|divulgue\S*|partage\S*|[ée]cris|traduis\S*|r[ée]sume\S*|quel(?:le)?s? (?:est|sont|était|étaient)", r"(?:ton|votre|le|tes|vos|ta|la)(?:\s+\S+){0,2}?\s+(?:prompt|syst[èe]me?\b|instructions?|consignes?|mot de passe|secret\S{0,2}|cl[ée] (?:secr[èe]te|api|d.acc[èe]s)|code (?:secret|d.acc[èe]s)|configuration)"),
    "es": (r"revel\S+|mu[ée]str\S+|ense[ñn]\S+|dime|d[ií]game|dame|dinos|repite\S*|imprim\S+|divulg\S+|compart\S+|escrib\S+|traduc\S+|resum\S+|cu[áa]l(?:es)? (?:es|son|era|eran|fue|fueron)", r"(?:tu|tus|su|sus|el|la|las|los)(?:\s+\S+){0,2}?\s+(?:prompt|sistema|instrucci\S{2}\S*|indicaciones|contraseñ\S|contrasen\S|secret[oa]\S?|clave|palabra secreta|c[óo]digo (?:secreto|de acceso)|configuraci[óo]n)"),
    "pt": (r"revel\S+|mostr\S+|diga\S*|d[êe]-me|conte\S*|repit\S+|imprim\S+|divulg\S+|compartilh\S+|escrev\S+|traduz\S*|resum\S+|qua(?:l|is) (?:é|são|era|eram|foi|foram)", r"(?:(?:suas|tuas)(?:\s+\S+)?\s+instru[çc][õo]es|(?:seu|sua|seus|suas|teu|tua|o|a|as|os)(?:\s+\S+){0,2}?\s+(?:prompt|sistema|instru[çc][õo]es (?:acima|iniciais|anteriores|originais)|senha|segred\S{1,2}|secret[oa]|chave|palavra-?passe|c[óo]digo (?:secreto|de acesso)|configura[çc][ãa]o))"),
    "it": (r"rivel\S+|mostr\S+|dimmi|dammi|ripet\S+|stampa\S*|divulg\S+|condivid\S+|scriv\S+|traduc\S+|riassum\S+|qual(?:i)?(?: è|'è| sono| era| erano)", r"(?:il|tuo|tua|tue|tuoi|la|le|i)(?:\s+\S+){0,2}?\s+(?:prompt|sistema|istruzioni|password|segret\S|chiave|parola d'ordine|codice (?:segreto|di accesso)|configurazione)"),
    "de": (r"verrat\S*|verrät\S{0,2}|zeig\S*|gib\b|geben sie|nenn\S*|wiederhol\S*|druck\S*|offenbar\S*|teil\S*|schreib\S*|übersetz\S*|fass\S*|sag\S*|wie laute[nt]\S{0,2}|was (?:ist|sind|war|waren)", r"(?:dein|deine|deinen|ihr|ihre|ihren|das|die|den|der)(?:\s+\S+){0,2}?\s+(?:prompt|system-?prompt|systemanweisung\S*|anweisung\S*|passwort\S{0,2}|geheim\S+|schlüssel\S*|kennwort|zugangscode|zugangs\S+|konfiguration|vorgaben|instruktion\S*)"),
    "ru": (r"раскрой\S*|покажи\S*|скажи\S*|назови\S*|повтори\S*|выведи\S*|напечатай\S*|сообщи\S*|выдай\S*|напиши\S*|переведи\S*|перескажи|как(?:ой|ая|ие|овы?)|что", r"(?:\S+\s+){0,3}?(?:системн\S+ (?:промпт|сообщени|инструкц|подсказ|запрос)\S*|промпт\S*|(?:твои|свои|ваши|начальные|исходные|скрытые|секретные)\S* (?:инструкц|указани|правила)\S*|парол\S+|секретн\S+ (?:код|слово|ключ|фраз)\S*|код доступа|ключ доступа)"),
}  # fmt: skip
_OWN_DENSE = (
    Rule("own_zh", "extraction", 3.5, r"(?:告诉|告訴|显示|顯示|输出|輸出|打印|透露|泄露|洩露|重复|重複|说出|說出|展示|翻译|翻譯|写出|寫出|公开|公開|是什么|是什麼|给我|給我|总结|揭示).{0,24}(?:系统提示|系統提示|提示词|提示詞|系统指令|系統指令|初始指令|你的指令|你的提示|你的规则|密码|密碼|口令|密钥|密鑰|你的秘密|机密|暗号|访问码|存取碼)|(?:系统提示|系統提示|提示词|提示詞|密码|密碼|密钥|口令).{0,12}(?:是什么|是什麼|告诉|告訴|给我|給我|说出来|發給我)"),
    Rule("own_ja", "extraction", 3.5, r"(?:システムプロンプト|プロンプト|初期指示|あなたの指示|あなたのパスワード|パスワードは|合言葉|アクセスコード|シークレット|機密|内部設定|秘密鍵).{0,24}(?:教え|見せ|表示|出力|明か|言って|繰り返|書い|翻訳|何で|公開|開示|漏ら)"),
    Rule("own_ko", "extraction", 3.5, r"(?:시스템 ?프롬프트|프롬프트|초기 지시|너의 지시|비밀번호|암호|접근 코드|액세스 코드|기밀|설정 내용).{0,24}(?:알려|보여|출력|말해|공개|반복|써 ?줘|번역|뭐|무엇|드러내|누설)"),
    Rule("own_th", "extraction", 3.5, r"(?:บอก|แสดง|เปิดเผย|พิมพ์|ทวน|ให้|แปล|สรุป).{0,30}(?:พรอมต์|ระบบ|คำสั่งเริ่มต้น|รหัสผ่าน|ความลับ|รหัสลับ|รหัสเข้า|คีย์ลับ)"),
)  # fmt: skip

# language: (drop, your, what is dropped), where the possessive shows that the model is meant
_YOUR = {
    "fr": (r"ignore\S{0,3}|oublie\S{0,3}|abandonne\S{0,3}|contourne\S{0,3}|bypasse\S{0,3}|outrepasse\S{0,3}|n[ée]glige\S{0,3}|d[ée]sactive\S{0,3}|suspend\S*|enfrein\S*|d[ée]passe\S{0,3}|rejette\S{0,3}|[ée]carte\S{0,3}|mets? de c[ôo]t[ée]|d[ée]tache-toi de|d[ée]connecte-toi de|annule\S{0,3}|viole\S{0,3}|lib[èe]re-toi de|laisse tomber", r"tes|ton|ta|vos|votre"),
    "es": (r"ignor\S+|olv[ií]d\S+|abandon\S+|descart\S+|elud\S+|evit\S+|sup[eé]r\S+|suspend\S+|paus\S+|anul\S+|desactiv\S+|desobedec\S+|desestim\S+|desh?az\S*|rechaz\S+|desconéctate de|desconectate de|omite\S*|viol\S+|rompe\S{0,3}|deja de lado|sáltate|trasciend\S{1,3}", r"tus?|sus?|vuestr\S{1,2}"),
    "pt": (r"ignor\S+|esque[çc]\S+|abandon\S+|descart\S+|contorn\S+|suspend\S+|desativ\S+|desobede[çc]\S+|desconsider\S+|desliga\S*|anul\S+|supera\S*|viol\S+|quebr\S+|rejeit\S+|deixa de lado|omit\S{1,3}|ultrapass\S+|desvincula-te d\S{1,3}", r"(?:(?:o|a|os|as)\s+)?(?:teus?|tuas?|seus?|suas?)"),
    "it": (r"ignor\S+|dimentic\S+|abbandon\S+|scart\S+|aggir\S+|sospend\S+|disattiv\S+|disobbed\S+|trascur\S+|annull\S+|super\S+|viol\S+|infrang\S+|rifiut\S+|metti da parte|stacca\S*|ometti|bypass\S+|elud\S+|contro", r"(?:(?:il|la|i|le|dal|dalla|dai|dalle)\s+)?(?:tuoi?|tue|tua|suoi?|sue|sua|vostr\S)"),
    "de": (r"ignorier\S*|vergiss|vergesst|umgeh\S*|missacht\S*|vernachlässig\S*|verwirf|verlass\S{0,3}|deaktivier\S*|überschreit\S*|überwind\S*|brich|breche|verletz\S*|setz\S* (?:dich )?(?:über)?|lass\S{0,3}|heb\S{0,3}|pausier\S*|widersetz\S*|lös\S* dich von", r"dein\S{0,2}|eur\S{1,3}|ihre\S{0,2}"),
    "ro": (r"ignor[ăa]\S{0,3}|uit[ăa]\S{0,3}|abandon\S+|renun[țt]\S+|dep[ăa][șs]e\S+|dezactiveaz[ăa]|suspend[ăa]|ocole\S+|încalc\S{1,2}|treci peste|las[ăa] deoparte|evit\S{1,2}|respinge\S{0,2}|anuleaz[ăa]", r"\S{3}\S*"),
}  # fmt: skip
_OF_A_MODEL = r"instru\S{3}\S*|istru\S{3}\S*|indica[cz]\S{2}\S*|consignes?|directi\S{2}\S*|diretri\S{2}\S*|direttiv\S{1,3}|r[èe]gl\S+|regol\S{1,2}|reglas?|regras?|regul\S+|regeln?|principi\S+|principes|princ[íi]pios|prinzipien|protocol\S*|protokoll\S{0,3}|protocoll\S|programm\S+|programa\S{2}\S*|programare\S{0,2}|formation|formaci\S{2,3}|formação|formazione|capacitaci\S{2}|entrena\S{3}\S*|treina\S{3}\S*|addestra\S{3}\S*|training\S{0,2}|schulung|ausbildung|antrena\S{2}\S*|limit\S{2}\S*|restri\S{3}\S*|beschränk\S{3}\S*|einschränk\S{3}\S*|[ée]thi\S{2}\S*|[ée]tic\S{1,3}|etic\S+|ethisch\S{0,2}|moral\S{0,3}|standard\S*|operati\S{2}\S*|operaci\S{2}\S*|processus|procesos?|process\S+|verarbeit\S{3}\S*|configura\S{2}\S*|param[èeé]tr\S+|par[âa]metr\S{1,3}|pautas|normas|norm\S+|linee guida|orientaç\S{2}\S*|richtlinien|grundsätz\S+|vorgaben|voreinstellung\S{0,2}|entscheidungs\S{3}\S*|s[ée]curit[ée]|seguridad|segurança|sicurezza|sicherheits\S{3}\S*|filtr\S+|filter\S{0,2}|sistem\S+|syst[èe]m\S{1,2}|comportament\S{1,3}|comportement\S{0,2}|comportamient\S{1,2}|verhalten\S*|r[ée]ponses?|respuestas?|respostas?|rispost\S|antwort\S*"


def _your(language: str, drop: str, your: str) -> Rule:
    return Rule(
        f"your_{language}",
        "override",
        4,
        rf"{_START}(?:{drop})(?:\s+\S+){{0,2}}?\s+(?:{your})\s+(?:\S+\s+){{0,3}}?(?:{_OF_A_MODEL})",
    )


_BASIS = (
    Rule(
        "basis",
        "extraction",
        3,
        r"(?:instruction|directive|commande|invite|consigne|instrucci[óo]n|indicaci[óo]n|comando|orden|instrução|instru[çc][ãa]o|diretriz|istruzione|direttiva|comando|anweisung|befehl\S*|vorgabe|instruc[țt]iun\S{1,3}|comand[ăa]|prompt\S*)\s+(?:\S+\s+){0,3}?(?:principal\S{0,2}|fundamental\S{0,3}|fondamental\S{0,2}|fondamentale|base|b[áa]sic\S{1,2}|central\S{0,2}|centrale|initiale?|inicial|iniziale|original\S{0,2}|originale|originelle|ursprünglich\S{0,2}|formation|formaci[óo]n|formação|formazione|chiave|clave|chave|d'origine|de d[ée]part|de entrenamiento|de treinamento|di addestramento|de bază|inițial\S{0,3})|(?:zentral\S{0,2}|grundlegend\S{0,2}|ursprünglich\S{0,2}|haupt|basis|grund|kern)\s?(?:anweisung\S{0,2}|befehl\S*|vorgabe\S{0,2}|prompt\S{0,2}|instruktion\S{0,2}|eingabe\S*)|text\S{0,3} (?:d'entr[ée]e|de entrada|di input|de intrare)",
    ),
)


def _with_determiner(language: str, forget: str, determiner: str, what: str) -> Rule:
    words = r"(?:\S+\s+)"
    return Rule(
        f"forget_{language}",
        "override",
        5,
        rf"{_START}(?:{forget})(?:\s+\S+){{0,1}}?\s+(?:{determiner})(?:\s+|['’]){words}{{0,2}}?(?:{what})",
    )


def _free(language: str, forget: str, what: str, earlier: str) -> Iterator[Rule]:
    between = r"(?:\s+\S+){0,4}?\s+"
    everything = rf"(?:{_ALL})\s+(?:\S+\s+)?(?:{earlier})"
    for name, weight, said in (("forget", 5, f"{what}|{everything}"), ("earlier", EARLIER, earlier)):
        pattern = rf"{_START}(?:(?:{forget}){between}(?:{said})|(?:{said}){between}(?:{forget}))"
        yield Rule(f"{name}_{language}", "override", weight, pattern)


def _own(language: str, show: str, what: str) -> Rule:
    return Rule(f"own_{language}", "extraction", 3, rf"{_START}(?:{show})(?:\s+\S+){{0,4}}?\s+{what}")


RULES = (
    *(_with_determiner(language, *words) for language, words in _WITH_DETERMINER.items()),
    *(rule for language, words in _FREE.items() for rule in _free(language, *words)),
    *(_own(language, *words) for language, words in _OWN.items()),
    *(_your(language, *words) for language, words in _YOUR.items()),
    *_BASIS,
    *_DENSE,
    *_OWN_DENSE,
)
