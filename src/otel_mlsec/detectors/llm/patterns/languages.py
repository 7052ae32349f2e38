"""Other languages: forget your instructions, show your instructions.

By stems.  Romance and Germanic phrases ask for a determiner of their own language between verb and object, since
`ignor… instruc…` is English, too.  RE2's `\\w` and `\\b` are ASCII, so words end where spaces or marks do.
"""

from otel_mlsec.detectors.llm.patterns import Rule

_START = r"(?:^|[\s\"'(«¡¿:,.\-–—])"

# language: (forget, determiner, what) — one to three words may stand between determiner and object
_WITH_DETERMINER = {
    "fr": (r"ignore[zr]?s?|ignorant|oublie[zr]?s?|n[ée]glige[zr]?|contourne[zr]?|outrepasse[zr]?|d[ée]sob[ée]i\S{0,8}|ne (?:tiens|tenez|suis|suivez) (?:pas|plus)\S{0,12}|fais abstraction|faites abstraction",
           r"les|tes|vos|ces|mes|l|la|le|toutes?|tous|tout|compte|des|de|leurs?", r"instructions?|consignes?|directives?|r[èe]gles?|ordres?|prompts?|restrictions?|limit\S{1,12}|programmation|ce qui pr|ce que (?:je|tu|vous|l)|message pr"),
    "es": (r"ignor[aeáeo]\S{0,10}|olv[ií]d[aeá]\S{0,10}|desatiend\S{0,10}|desobede\S{0,10}|omit[ea]\S{0,8}|descart[ae]\S{0,10}|s[áa]lta\S{0,8}|elude|haz caso omiso|no (?:hagas|sigas|tengas|sigan)",
           r"las|los|tus|sus|mis|todo|todas|todos|esas|esos|la|el|caso|en|de|cualquier", r"instrucci\S{2,8}|indicacion\S{0,8}|[óo]rden\S{0,6}|reglas?|directric\S{0,6}|directriz|lo (?:que|anterior)|prompts?|restricci\S{2,8}|normas?|programaci[óo]n|mensaje anterior"),
    "pt": (r"ignor[aeáo]\S{0,10}|esque[çc]\S{0,10}|desconsider\S{0,10}|desrespeit\S{0,10}|desobede\S{0,10}|contorn\S{0,10}|n[ãa]o (?:siga|sigas|obede[çc]a)",
           r"as|os|suas?|seus?|todas?|todos?|tudo|essas?|minhas|o|a|quaisquer|tuas", r"instru[çc][õo]es|instru[çc][ãa]o|orienta[çc]\S{0,8}|ordens?|regras?|diretriz\S{0,8}|o que|prompts?|restri[çc]\S{0,8}|comandos?|programa[çc][ãa]o"),
    "it": (r"ignor[aiè]\S{0,8}|dimentic\S{0,10}|trascur\S{0,10}|scord\S{0,8}|disobbed\S{0,8}|aggira\S{0,6}|annulla|ometti|non (?:seguire|considerare|tenere|tener)",
           r"le|i|gli|la|il|tutte?|tutti|tutto|tue|tuoi|queste?|quello|conto|ogni", r"istruzion\S{0,4}|indicazion\S{0,4}|regol\S{0,4}|direttiv\S{0,4}|ordin\S{0,4}|che (?:ti|ho|hai)|prompts?|restrizion\S{0,4}|comand\S{0,4}|programmazione"),
    "ro": (r"ignor[ăa]\S{0,6}|uit[ăa]\S{0,6}|nesocote\S{0,6}|anuleaz[ăa]", r"toate|tot|orice|cele|regulile|instruc\S{0,12}|restric\S{0,12}", r"instruc[țt]iun\S{0,8}|indica[țt]\S{0,8}|regul\S{0,6}|ce (?:ai|ți|ti)|prompt\S{0,6}|restric[țt]\S{0,8}|dinainte|anterioare"),
    "nl": (r"negeer|vergeet|omzeil|sla", r"alle|alles|de|het|je|uw|jouw|deze|wat", r"instructies?|opdrachten|regels?|aanwijzingen|prompts?|voorgaande|eerder\S{0,8}|richtlijnen|beperkingen"),
    "de": (r"umgeh\S{0,6}|missacht\S{0,6}|ignorier\S{0,6}|vergiss|vergesst|vergessen sie|übergeh\S{0,6}|befolge nicht|setz\S{0,6} dich|verwirf",
           r"die|alle|alles|deine\S{0,4}|ihre\S{0,4}|obige\S{0,4}|vorherige\S{0,4}|bisherige\S{0,4}|was|über|sämtliche\S{0,4}", r"anweisung\S{0,6}|regeln?|vorgaben?|richtlinien?|programmierung|einschränkung\S{0,6}|beschränkung\S{0,6}|instruktion\S{0,6}|zuvor|vorher|davor|prompts?|sicherheits\S{0,16}|befehle?"),
    "sv": (r"ignorera|glöm|bortse från|strunta i", r"alla|alla dina|dina|de|allt|mina|tidigare|föregående", r"instruktion\S{0,6}|regler\S{0,4}|anvisning\S{0,6}|riktlinjer\S{0,4}|order|prompt\S{0,4}|tidigare|ovan\S{0,6}|begränsning\S{0,6}"),
    "da": (r"ignorer|ignorér|glem|se bort fra|tilsidesæt|overse", r"alle|alt|dine|de|mine|tidligere|foregående|forrige", r"instruktion\S{0,6}|instruks\S{0,6}|regler\S{0,4}|anvisning\S{0,6}|retningslinjer\S{0,4}|ordrer?|prompt\S{0,4}|ovenstående|tidligere|begrænsning\S{0,6}|begrensning\S{0,6}"),
    "tl": (r"balewalain|kalimutan|huwag (?:pansinin|sundin)|lampasan|ipagwalang-bahala", r"ang|lahat|mga|iyong", r"tagubilin|utos|patakaran|panuto|sinabi|naunang|instruksyon|instruction"),
    "id": (r"abaikan|lupakan|jangan (?:ikuti|hiraukan|patuhi)|kesampingkan|acuhkan", r"semua|segala|seluruh|instruksi|perintah|aturan|arahan", r"instruksi|perintah|aturan|arahan|pedoman|petunjuk|sebelumnya|di atas|prompt|terdahulu|batasan"),
    "sw": (r"puuza|sahau|usifuate", r"maagizo|maelekezo|kanuni|sheria|yote", r"yote|yaliyotangulia|ya awali|ya hapo awali|za awali|zote|maagizo|sheria|kanuni"),
}  # fmt: skip

# language: (forget, what), in either order, up to five words between
_FREE = {
    "pl": (r"ignoruj\S{0,4}|zignoruj\S{0,4}|zapomnij\S{0,4}|pomiń\S{0,4}|nie (?:przestrzegaj|stosuj|zważaj)\S{0,6}|odrzuć", r"instrukcj\S{0,4}|polece\S{0,6}|zasad\S{0,4}|wytyczn\S{0,4}|poprzedni\S{0,6}|wcześniejsz\S{0,6}|powyższ\S{0,6}|prompt\S{0,4}|ogranicze\S{0,6}|reguł\S{0,4}"),
    "cs": (r"ignoruj\S{0,4}|zapomeň\S{0,4}|zapomeňte|nevšímej|neřiď se|pomiň|zabudni\S{0,4}|ignorujte|ignoruj", r"instrukc\S{0,4}|pokyn\S{0,6}|příkaz\S{0,6}|pravid\S{0,6}|předchoz\S{0,6}|inštrukci\S{0,4}|predchádzajúc\S{0,4}|výše|promp\S{0,4}|omezen\S{0,6}"),
    "hr": (r"ignoriraj\S{0,4}|zaboravi\S{0,4}|zanemari\S{0,4}|ignoriši\S{0,4}|игнориши|заборави|занемари", r"uput\S{0,8}|instrukcij\S{0,4}|pravil\S{0,4}|naredb\S{0,4}|prethodn\S{0,6}|упутств\S{0,6}|инструкциј\S{0,6}|правила|претходн\S{0,6}"),
    "hu": (r"hagyd figyelmen kívül|hagyja figyelmen kívül|felejtsd el|felejtse el|ne vedd figyelembe|ne kövesd|mellőzd", r"utasítás\S{0,10}|szabály\S{0,8}|előző\S{0,6}|korábbi\S{0,6}|fenti\S{0,6}|promp\S{0,6}|irányelv\S{0,6}|parancs\S{0,8}"),
    "fi": (r"unohda|jätä huomiotta|ohita|älä (?:noudata|välitä)|sivuuta", r"ohje\S{0,10}|sään\S{0,8}|määräyk\S{0,8}|aiem\S{0,8}|edelli\S{0,8}|käsky\S{0,6}|kehot\S{0,8}|yllä\S{0,6}|rajoituk\S{0,8}"),
    "tr": (r"yok say\S{0,6}|görmezden gel\S{0,6}|unut\S{0,6}|göz ardı et\S{0,6}|dikkate alma\S{0,4}|uyma\S{0,4}|boş ver|es geç", r"talimat\S{0,10}|kural\S{0,10}|yönerge\S{0,10}|komut\S{0,10}|önceki\S{0,8}|yukarıdaki\S{0,6}|emir\S{0,8}|kısıtlama\S{0,8}|istem\S{0,6}"),
    "ru": (r"игнорир\S{0,8}|проигнорир\S{0,8}|забуд\S{0,6}|отбрось\S{0,4}|пренебре\S{0,6}|не (?:следуй|обращай|соблюдай|выполняй)\S{0,4}|отмени\S{0,4}|обойди\S{0,4}|нарушь\S{0,4}", r"инструкц\S{0,6}|указани\S{0,6}|правил\S{0,6}|предыдущ\S{0,6}|прежни\S{0,6}|команд\S{0,6}|промпт\S{0,6}|ограничени\S{0,6}|приказ\S{0,6}|сказанн\S{0,6}|выше\S{0,10}|распоряжени\S{0,4}|подсказк\S{0,4}|настройк\S{0,4}|директив\S{0,4}"),
    "uk": (r"ігнору\S{0,8}|проігнору\S{0,8}|забудь\S{0,4}|знехтуй\S{0,4}|не (?:дотримуйся|зважай|виконуй)\S{0,4}|відкинь\S{0,4}", r"інструкц\S{0,6}|вказівк\S{0,6}|правил\S{0,6}|попередн\S{0,6}|наказ\S{0,6}|обмежен\S{0,6}|команд\S{0,6}|промпт\S{0,6}|настанов\S{0,4}"),
    "bg": (r"игнорирай\S{0,4}|забрави\S{0,4}|пренебрегни\S{0,4}|не спазвай", r"инструкц\S{0,6}|указани\S{0,6}|правил\S{0,6}|предишн\S{0,6}|команд\S{0,6}|ограничени\S{0,6}|заповед\S{0,4}"),
    "el": (r"αγνόησε|αγνοήστε|αγνόησες|ξέχασε|ξεχάστε|παράβλεψε|παραβλέψτε|μην ακολουθ\S{0,8}|παράκαμψε", r"οδηγί\S{0,6}|εντολ\S{0,6}|κανόν\S{0,6}|προηγούμεν\S{0,6}|παραπάνω|περιορισμ\S{0,6}|κατευθύνσε\S{0,4}"),
    "ar": (r"تجاهل\S{0,4}|تجاهلي|انس\S{0,4}|إنس\S{0,4}|تغاض\S{0,4}|لا تتبع\S{0,4}|تخطى\S{0,2}|اهمل\S{0,4}|أهمل\S{0,4}", r"\S{0,4}تعليمات\S{0,6}|\S{0,4}توجيهات\S{0,6}|\S{0,4}أوامر\S{0,6}|\S{0,4}اوامر\S{0,6}|\S{0,4}قواعد\S{0,6}|\S{0,4}سابق\S{0,6}|\S{0,4}قيود\S{0,6}|\S{0,4}إرشادات\S{0,6}|\S{0,4}ارشادات\S{0,6}"),
    "fa": (r"نادیده بگیر\S{0,6}|فراموش کن\S{0,6}|بی‌خیال|چشم‌پوشی|پیروی نکن\S{0,4}|کنار بگذار\S{0,4}|توجه نکن\S{0,4}", r"دستور\S{0,12}|قوانین\S{0,6}|قواعد\S{0,6}|قبلی\S{0,6}|پیشین\S{0,6}|راهنما\S{0,8}|محدودیت\S{0,8}|بالا"),
    "he": (r"התעלם\S{0,4}|התעלמי|תתעלם\S{0,4}|שכח\S{0,4}|תשכח\S{0,4}|אל תציית\S{0,4}|עקוף", r"\S{0,4}הוראות\S{0,6}|\S{0,4}הנחיות\S{0,6}|\S{0,4}כללים\S{0,4}|\S{0,4}פקודות\S{0,4}|\S{0,4}קודמ\S{0,6}|\S{0,4}מגבלות\S{0,4}"),
    "hi": (r"अनदेखा|नज़रअंदाज़|नजरअंदाज|भूल जा\S{0,6}|उपेक्षा|पालन न करें|पालन मत|अनसुना|रद्द", r"निर्देश\S{0,8}|नियम\S{0,8}|आदेश\S{0,8}|पिछल\S{0,6}|पूर्व\S{0,8}|प्रतिबंध\S{0,6}|हिदायत\S{0,6}|ऊपर"),
    "bn": (r"উপেক্ষা|ভুলে যা\S{0,6}|অগ্রাহ্য|মানবেন না|বাদ দা\S{0,4}|বাদ দিন", r"নির্দেশ\S{0,12}|নিয়ম\S{0,8}|আদেশ\S{0,8}|পূর্ববর্তী\S{0,6}|আগের|উপরের|বিধিনিষেধ"),
    "ta": (r"புறக்கணி\S{0,16}|மறந்து\S{0,12}|பின்பற்ற வேண்டாம்|பின்பற்றாதே\S{0,6}", r"வழிமுறை\S{0,16}|அறிவுறுத்தல்\S{0,16}|விதி\S{0,12}|கட்டளை\S{0,12}|முந்தைய|மேலே"),
    "vi": (r"bỏ qua|phớt lờ|quên|đừng (?:làm theo|tuân theo|tuân thủ)|không tuân theo|lờ đi", r"hướng dẫn|chỉ thị|chỉ dẫn|quy tắc|lệnh|trước đó|trước đây|bên trên|ở trên|mệnh lệnh|giới hạn|lời nhắc|quy định"),
}  # fmt: skip

# Scripts without spaces
_DENSE = (
    Rule("forget_th", "override", 5, r"(?:เพิกเฉย|ละเว้น|ลืม|ไม่ต้องสนใจ|อย่าสนใจ|มองข้าม|ข้าม|ไม่ต้องทำตาม|อย่าทำตาม|ละทิ้ง).{0,40}(?:คำสั่ง|คำแนะนำ|กฎ|ก่อนหน้า|ข้างต้น|ข้อจำกัด|ข้อกำหนด|แนวทาง)"),
    Rule("forget_zh", "override", 5, r"(?:忽略|无视|無視|忘记|忘記|忘掉|不要理会|不要理會|不理会|不要遵[守循]|不用管|跳过|跳過|绕过|繞過|抛开|拋開|撇开|放弃|违反|取消|推翻|覆盖|解除|摆脱).{0,20}(?:指令|指示|提示|规则|規則|命令|之前|以上|上面|前面|先前|说明|說明|限制|要求|约束|約束|规定|規定|设定|設定|准则|守则)"),
    Rule("forget_ja", "override", 5, r"(?:指示|命令|ルール|プロンプト|上記|以前|これまで|前の|制約|制限|規則|設定|指令|ガイドライン).{0,24}(?:無視|忘れ|従わ(?:ない|ず)|破棄|取り消|スキップ|無効|解除|守らな|破っ|上書き)"),
    Rule("forget_ko", "override", 5, r"(?:지시|명령|규칙|프롬프트|이전|위의|앞의|지침|제한|제약|설정|가이드라인).{0,24}(?:무시|잊어|잊고|따르지|건너뛰|무효|취소|어겨|우회|해제|벗어나)"),
)  # fmt: skip

# language: (show, what is the model's own)
_OWN = {
    "fr": (r"r[ée]v[èée]l\S{1,6}|montre\S{0,4}|affiche\S{0,4}|donne\S{0,6}|dis-?moi|dites|r[ée]p[èée]te\S{0,4}|imprime\S{0,4}|divulgue\S{0,4}|partage\S{0,4}|[ée]cris|traduis\S{0,4}|r[ée]sume\S{0,4}|quel(?:le)?s? (?:est|sont|était|étaient)", r"(?:ton|votre|le|tes|vos|ta|la)(?:\s+\S{1,16}){0,2}?\s+(?:prompt|syst[èe]me?\b|instructions?|consignes?|mot de passe|secret\S{0,2}|cl[ée] (?:secr[èe]te|api|d.acc[èe]s)|code (?:secret|d.acc[èe]s)|configuration)"),
    "es": (r"revel\S{1,8}|mu[ée]str\S{1,8}|ense[ñn]\S{1,8}|dime|d[ií]game|dame|dinos|repite\S{0,4}|imprim\S{1,6}|divulg\S{1,6}|compart\S{1,6}|escrib\S{1,6}|traduc\S{1,6}|resum\S{1,4}|cu[áa]l(?:es)? (?:es|son|era|eran|fue|fueron)", r"(?:tu|tus|su|sus|el|la|las|los)(?:\s+\S{1,16}){0,2}?\s+(?:prompt|sistema|instrucci\S{2,6}|indicaciones|contraseñ\S|contrasen\S|secret[oa]\S?|clave|palabra secreta|c[óo]digo (?:secreto|de acceso)|configuraci[óo]n)"),
    "pt": (r"revel\S{1,6}|mostr\S{1,6}|diga\S{0,4}|d[êe]-me|conte\S{0,4}|repit\S{1,6}|imprim\S{1,4}|divulg\S{1,6}|compartilh\S{1,6}|escrev\S{1,6}|traduz\S{0,4}|resum\S{1,4}|qua(?:l|is) (?:é|são|era|eram|foi|foram)", r"(?:seu|sua|seus|suas|teu|tua|o|a|as|os)(?:\s+\S{1,16}){0,2}?\s+(?:prompt|sistema|instru[çc][õo]es|senha|segred\S{1,2}|secret[oa]|chave|palavra-?passe|c[óo]digo (?:secreto|de acesso)|configura[çc][ãa]o)"),
    "it": (r"rivel\S{1,6}|mostr\S{1,6}|dimmi|dammi|ripet\S{1,4}|stampa\S{0,4}|divulg\S{1,6}|condivid\S{1,4}|scriv\S{1,4}|traduc\S{1,4}|riassum\S{1,4}|qual(?:i)?(?: è|'è| sono| era| erano)", r"(?:il|tuo|tua|tue|tuoi|la|le|i)(?:\s+\S{1,16}){0,2}?\s+(?:prompt|sistema|istruzioni|password|segret\S|chiave|parola d'ordine|codice (?:segreto|di accesso)|configurazione)"),
    "de": (r"verrat\S{0,4}|verrät\S{0,2}|zeig\S{0,4}|gib\b|geben sie|nenn\S{0,4}|wiederhol\S{0,4}|druck\S{0,4}|offenbar\S{0,4}|teil\S{0,4}|schreib\S{0,4}|übersetz\S{0,4}|fass\S{0,4}|sag\S{0,4}|wie laute[nt]\S{0,2}|was (?:ist|sind|war|waren)", r"(?:dein|deine|deinen|ihr|ihre|ihren|das|die|den|der)(?:\s+\S{1,20}){0,2}?\s+(?:prompt|system-?prompt|systemanweisung\S{0,4}|anweisung\S{0,4}|passwort\S{0,2}|geheim\S{1,16}|schlüssel\S{0,6}|kennwort|zugangscode|zugangs\S{1,10}|konfiguration|vorgaben|instruktion\S{0,4})"),
    "ru": (r"раскрой\S{0,4}|покажи\S{0,4}|скажи\S{0,4}|назови\S{0,4}|повтори\S{0,4}|выведи\S{0,4}|напечатай\S{0,4}|сообщи\S{0,4}|выдай\S{0,4}|напиши\S{0,4}|переведи\S{0,4}|перескажи|как(?:ой|ая|ие|овы?)|что", r"(?:\S{1,16}\s+){0,3}?(?:системн\S{1,6} (?:промпт|сообщени|инструкц|подсказ|запрос)\S{0,6}|промпт\S{0,4}|(?:твои|свои|ваши|начальные|исходные|скрытые|секретные)\S{0,4} (?:инструкц|указани|правила)\S{0,6}|парол\S{1,4}|секретн\S{1,6} (?:код|слово|ключ|фраз)\S{0,4}|код доступа|ключ доступа)"),
}  # fmt: skip
_OWN_DENSE = (
    Rule("own_zh", "extraction", 3.5, r"(?:告诉|告訴|显示|顯示|输出|輸出|打印|透露|泄露|洩露|重复|重複|说出|說出|展示|翻译|翻譯|写出|寫出|公开|公開|是什么|是什麼|给我|給我|总结|揭示).{0,24}(?:系统提示|系統提示|提示词|提示詞|系统指令|系統指令|初始指令|你的指令|你的提示|你的规则|密码|密碼|口令|密钥|密鑰|你的秘密|机密|暗号|访问码|存取碼)|(?:系统提示|系統提示|提示词|提示詞|密码|密碼|密钥|口令).{0,12}(?:是什么|是什麼|告诉|告訴|给我|給我|说出来|發給我)"),
    Rule("own_ja", "extraction", 3.5, r"(?:システムプロンプト|プロンプト|初期指示|あなたの指示|あなたのパスワード|パスワードは|合言葉|アクセスコード|シークレット|機密|内部設定|秘密鍵).{0,24}(?:教え|見せ|表示|出力|明か|言って|繰り返|書い|翻訳|何で|公開|開示|漏ら)"),
    Rule("own_ko", "extraction", 3.5, r"(?:시스템 ?프롬프트|프롬프트|초기 지시|너의 지시|비밀번호|암호|접근 코드|액세스 코드|기밀|설정 내용).{0,24}(?:알려|보여|출력|말해|공개|반복|써 ?줘|번역|뭐|무엇|드러내|누설)"),
    Rule("own_th", "extraction", 3.5, r"(?:บอก|แสดง|เปิดเผย|พิมพ์|ทวน|ให้|แปล|สรุป).{0,30}(?:พรอมต์|ระบบ|คำสั่งเริ่มต้น|รหัสผ่าน|ความลับ|รหัสลับ|รหัสเข้า|คีย์ลับ)"),
)  # fmt: skip

# language: (drop, your, what is dropped), where the possessive shows that the model is meant
_YOUR = {
    "fr": (r"ignore\S{0,3}|oublie\S{0,3}|abandonne\S{0,3}|contourne\S{0,3}|bypasse\S{0,3}|outrepasse\S{0,3}|n[ée]glige\S{0,3}|d[ée]sactive\S{0,3}|suspend\S{0,4}|enfrein\S{0,4}|d[ée]passe\S{0,3}|rejette\S{0,3}|[ée]carte\S{0,3}|mets? de c[ôo]t[ée]|d[ée]tache-toi de|d[ée]connecte-toi de|annule\S{0,3}|viole\S{0,3}|lib[èe]re-toi de|laisse tomber", r"tes|ton|ta|vos|votre"),
    "es": (r"ignor\S{1,6}|olv[ií]d\S{1,6}|abandon\S{1,6}|descart\S{1,6}|elud\S{1,6}|evit\S{1,6}|sup[eé]r\S{1,4}|suspend\S{1,4}|paus\S{1,6}|anul\S{1,4}|desactiv\S{1,6}|desobedec\S{1,4}|desestim\S{1,4}|desh?az\S{0,4}|rechaz\S{1,4}|desconéctate de|desconectate de|omite\S{0,4}|viol\S{1,4}|rompe\S{0,3}|deja de lado|sáltate|trasciend\S{1,3}", r"tus?|sus?|vuestr\S{1,2}"),
    "pt": (r"ignor\S{1,6}|esque[çc]\S{1,6}|abandon\S{1,6}|descart\S{1,6}|contorn\S{1,6}|suspend\S{1,4}|desativ\S{1,6}|desobede[çc]\S{1,4}|desconsider\S{1,6}|desliga\S{0,4}|anul\S{1,4}|supera\S{0,4}|viol\S{1,4}|quebr\S{1,4}|rejeit\S{1,4}|deixa de lado|omit\S{1,3}|ultrapass\S{1,4}|desvincula-te d\S{1,3}", r"(?:(?:o|a|os|as)\s+)?(?:teus?|tuas?|seus?|suas?)"),
    "it": (r"ignor\S{1,6}|dimentic\S{1,6}|abbandon\S{1,6}|scart\S{1,6}|aggir\S{1,6}|sospend\S{1,4}|disattiv\S{1,6}|disobbed\S{1,6}|trascur\S{1,6}|annull\S{1,4}|super\S{1,4}|viol\S{1,4}|infrang\S{1,4}|rifiut\S{1,4}|metti da parte|stacca\S{0,4}|ometti|bypass\S{1,4}|elud\S{1,4}|contro", r"(?:(?:il|la|i|le|dal|dalla|dai|dalle)\s+)?(?:tuoi?|tue|tua|suoi?|sue|sua|vostr\S)"),
    "de": (r"ignorier\S{0,4}|vergiss|vergesst|umgeh\S{0,4}|missacht\S{0,4}|vernachlässig\S{0,4}|verwirf|verlass\S{0,3}|deaktivier\S{0,4}|überschreit\S{0,4}|überwind\S{0,4}|brich|breche|verletz\S{0,4}|setz\S{0,4} (?:dich )?(?:über)?|lass\S{0,3}|heb\S{0,3}|pausier\S{0,4}|widersetz\S{0,6}|lös\S{0,4} dich von", r"dein\S{0,2}|eur\S{1,3}|ihre\S{0,2}"),
    "ro": (r"ignor[ăa]\S{0,3}|uit[ăa]\S{0,3}|abandon\S{1,6}|renun[țt]\S{1,4}|dep[ăa][șs]e\S{1,4}|dezactiveaz[ăa]|suspend[ăa]|ocole\S{1,6}|încalc\S{1,2}|treci peste|las[ăa] deoparte|evit\S{1,2}|respinge\S{0,2}|anuleaz[ăa]", r"\S{3,24}"),
}  # fmt: skip
_OF_A_MODEL = r"instru\S{3,12}|istru\S{3,10}|indica[cz]\S{2,8}|consignes?|directi\S{2,6}|diretri\S{2,6}|direttiv\S{1,3}|r[èe]gl\S{1,4}|regol\S{1,2}|reglas?|regras?|regul\S{1,6}|regeln?|principi\S{1,4}|principes|princ[íi]pios|prinzipien|protocol\S{0,4}|protokoll\S{0,3}|protocoll\S|programm\S{1,8}|programa\S{2,8}|programare\S{0,2}|formation|formaci\S{2,3}|formação|formazione|capacitaci\S{2}|entrena\S{3,8}|treina\S{3,6}|addestra\S{3,6}|training\S{0,2}|schulung|ausbildung|antrena\S{2,6}|limit\S{2,10}|restri\S{3,10}|beschränk\S{3,6}|einschränk\S{3,6}|[ée]thi\S{2,6}|[ée]tic\S{1,3}|etic\S{1,4}|ethisch\S{0,2}|moral\S{0,3}|standard\S{0,14}|operati\S{2,8}|operaci\S{2,8}|processus|procesos?|process\S{1,6}|verarbeit\S{3,12}|configura\S{2,6}|param[èeé]tr\S{1,4}|par[âa]metr\S{1,3}|pautas|normas|norm\S{1,4}|linee guida|orientaç\S{2,4}|richtlinien|grundsätz\S{1,4}|vorgaben|voreinstellung\S{0,2}|entscheidungs\S{3,12}|s[ée]curit[ée]|seguridad|segurança|sicurezza|sicherheits\S{3,12}|filtr\S{1,4}|filter\S{0,2}|sistem\S{1,4}|syst[èe]m\S{1,2}|comportament\S{1,3}|comportement\S{0,2}|comportamient\S{1,2}|verhalten\S{0,8}|r[ée]ponses?|respuestas?|respostas?|rispost\S|antwort\S{0,12}"


def _your(language: str, drop: str, your: str) -> Rule:
    return Rule(
        f"your_{language}",
        "override",
        4,
        rf"{_START}(?:{drop})(?:\s+\S{{1,20}}){{0,2}}?\s+(?:{your})\s+(?:\S{{1,24}}\s+){{0,3}}?(?:{_OF_A_MODEL})",
    )


_BASIS = (
    Rule(
        "basis",
        "extraction",
        3,
        r"(?:instruction|directive|commande|invite|consigne|instrucci[óo]n|indicaci[óo]n|comando|orden|instrução|instru[çc][ãa]o|diretriz|istruzione|direttiva|comando|anweisung|befehl\S{0,4}|vorgabe|instruc[țt]iun\S{1,3}|comand[ăa]|prompt\S{0,6})\s+(?:\S{1,20}\s+){0,3}?(?:principal\S{0,2}|fundamental\S{0,3}|fondamental\S{0,2}|fondamentale|base|b[áa]sic\S{1,2}|central\S{0,2}|centrale|initiale?|inicial|iniziale|original\S{0,2}|originale|originelle|ursprünglich\S{0,2}|formation|formaci[óo]n|formação|formazione|chiave|clave|chave|d'origine|de d[ée]part|de entrenamiento|de treinamento|di addestramento|de bază|inițial\S{0,3})|(?:zentral\S{0,2}|grundlegend\S{0,2}|ursprünglich\S{0,2}|haupt|basis|grund|kern)\s?(?:anweisung\S{0,2}|befehl\S{0,4}|vorgabe\S{0,2}|prompt\S{0,2}|instruktion\S{0,2}|eingabe\S{0,12})|text\S{0,3} (?:d'entr[ée]e|de entrada|di input|de intrare)",
    ),
)


def _with_determiner(language: str, forget: str, determiner: str, what: str) -> Rule:
    words = r"(?:\S{1,24}\s+)"
    return Rule(
        f"forget_{language}",
        "override",
        5,
        rf"{_START}(?:{forget})(?:\s+\S{{1,24}}){{0,1}}?\s+(?:{determiner})(?:\s+|['’]){words}{{0,2}}?(?:{what})",
    )


def _free(language: str, forget: str, what: str) -> Rule:
    between = r"(?:\s+\S{1,24}){0,4}?\s+"
    return Rule(
        f"forget_{language}", "override", 5, rf"{_START}(?:(?:{forget}){between}(?:{what})|(?:{what}){between}(?:{forget}))"
    )


def _own(language: str, show: str, what: str) -> Rule:
    return Rule(f"own_{language}", "extraction", 3, rf"{_START}(?:{show})(?:\s+\S{{1,24}}){{0,4}}?\s+{what}")


RULES = (
    *(_with_determiner(language, *words) for language, words in _WITH_DETERMINER.items()),
    *(_free(language, *words) for language, words in _FREE.items()),
    *(_own(language, *words) for language, words in _OWN.items()),
    *(_your(language, *words) for language, words in _YOUR.items()),
    *_BASIS,
    *_DENSE,
    *_OWN_DENSE,
)
