import Cluster
import Foundation
import Testing

struct AutomatonTests {
    private static let vocabulary = Vocabulary()

    private static func signals(_ text: String, pieces: Int = 1, by vocabulary: Vocabulary = vocabulary) -> Signals {
        var reader = TextReader(vocabulary, skips: false)
        let bytes = Array(text.utf8)
        let step = max(1, (bytes.count + pieces - 1) / pieces)
        for start in stride(from: 0, to: bytes.count, by: step) {
            bytes[start..<min(start + step, bytes.count)].withUnsafeBufferPointer { reader.read($0) }
        }
        return reader.finish().signals
    }

    @Test func theTableStaysSmall() {
        // Each state is a row; some hundred rows stay in a processor's nearest caches.
        #expect(Automaton(plan: Phrase.plan, agent: Phrase.agent).stateCount < 1000)
    }

    @Test(arguments: Phrase.plan) func everyPlanPhraseIsFound(_ phrase: Phrase) {
        for text in spellings(of: phrase) { #expect(Self.signals("so, \(text)!").contains(.plan), "\(text)") }
    }

    @Test(arguments: Phrase.agent) func everyAgentPhraseIsFound(_ phrase: Phrase) {
        for text in spellings(of: phrase) { #expect(Self.signals("so, \(text)!").contains(.agent), "\(text)") }
    }

    /// Every choice of words, with and without those that may be left out.
    private func spellings(of phrase: Phrase) -> [String] {
        phrase.text.split(separator: " ").reduce([""]) { texts, place in
            let optional = place.hasPrefix("[")
            let words = place.filter { $0 != "[" && $0 != "]" }.split(separator: "|").map(String.init)
            return texts.flatMap { text in
                (words + (optional ? [""] : [])).map { $0.isEmpty ? text : text.isEmpty ? $0 : "\(text) \($0)" }
            }
        }
    }

    @Test func aTextReadInPiecesSaysTheSame() {
        let texts = [
            "uncenſored: go", "a\nnofilter :x", "should\u{2028}we go", "think über hard",
            "design `\(String(repeating: "😀", count: 30))`",
            "设计 design 方案", "plan\u{301}", "[ultra] \u{1F469}\u{200D}\u{1F467} refactor",
        ]
        for text in texts {
            let whole = Self.signals(text)
            for pieces in 1...text.utf8.count {
                #expect(Self.signals(text, pieces: pieces) == whole, "\(text) in \(pieces)")
            }
        }
    }

    /// The four heads start from a guess: whatever stands across their borders must still be found.
    @Test func nothingIsLostWhereAParallelReadBegins() {
        let needles: [(String, Signals)] = [
            ("fix   the \n bug", .agent), ("\nuncensored \t : x", .uncensoredTrigger),
            ("[heretic]", .uncensoredTrigger),
            ("review this architecture", .plan), ("ſhould we", .plan), ("\n \t opus:", .ultraTrigger),
        ]
        for (needle, signal) in needles {
            for length in [600, 601, 997] {
                for filler in ["x ", "xyz", "\n", "é ", "漢字", " ", "-"] {
                    let unit = Array(filler.unicodeScalars)
                    for offset in stride(from: 0, to: length, by: 7) {
                        var text = String.UnicodeScalarView()
                        for index in 0..<length { text.append(unit[index % unit.count]) }
                        var whole = String(text)
                        let place = whole.unicodeScalars.index(whole.unicodeScalars.startIndex, offsetBy: offset)
                        whole.insert(contentsOf: "- \(needle) -", at: place)
                        let inParallel = Self.signals(whole)
                        let inOrder = Self.signals(whole, pieces: whole.utf8.count / 100)
                        #expect(inParallel == inOrder, "\(filler.debugDescription) at \(offset) of \(length)")
                        #expect(inParallel.contains(signal), "\(needle) in \(filler.debugDescription) at \(offset)")
                    }
                }
            }
        }
    }

    /// The guess must know what stands before a border: a word that goes on there does not begin there.
    @Test func nothingIsFoundThatOnlyABorderMakesAWord() {
        for before in ["x", "_", "1", "é", "漢", "𝐱"] {
            for offset in 0..<700 {
                let whole =
                    String(repeating: "x", count: offset) + before + "edit plan"
                    + String(repeating: "x", count: 700 - offset)
                #expect(Self.signals(whole).isEmpty, "\(before) at \(offset)")
            }
        }
    }

    /// Random texts of words that nearly are phrases, against Foundation's regular expressions.
    @Test func itAgreesWithABacktrackingEngine() throws {
        let plan = try NSRegularExpression(
            pattern:
                #"\b(?:plan|design|should\s+we|think\s+(?:through|step|hard|carefully)|root\s*cause|port\s+to|trade-?off)\b"#,
            options: .caseInsensitive)
        let agent = try NSRegularExpression(
            pattern: #"\b(?:fix\s+(?:this|the|a|my)?\s*(?:bug|issue|error|test)|edit|run\s+tests?)\b"#,
            options: .caseInsensitive)
        let own = Vocabulary(
            plan: [
                "plan", "design", "should we", "think through|step|hard|carefully", "root cause", "rootcause",
                "port to", "trade-off|tradeoff",
            ],
            agent: ["fix [this|the|a|my] bug|issue|error|test", "edit", "run test|tests"])
        let words = [
            "plan", "plans", "Design", "should", "we", "think", "hard", "root", "cause", "port", "to", "trade", "-",
            "off", "fix",
            "the", "thebug", "a", "bug", "bugs", "edit", "run", "tests", "_", "x", "é", "1", "\n", "  ", ".",
            "rootcause", "mybug",
        ]
        var random = SystemRandomNumberGenerator()
        for _ in 0..<4000 {
            let count = Int.random(in: 1...160, using: &random)
            let text = (0..<count).map { _ in
                words.randomElement(using: &random).map { $0 + (Bool.random(using: &random) ? " " : "") } ?? ""
            }
            .joined()
            let range = NSRange(text.startIndex..., in: text)
            let found = Self.signals(text, by: own)
            #expect(
                found.contains(.plan) == (plan.firstMatch(in: text, range: range) != nil), "\(text.debugDescription)")
            #expect(
                found.contains(.agent) == (agent.firstMatch(in: text, range: range) != nil), "\(text.debugDescription)")
        }
    }

    @Test(arguments: [
        ("```", true), ("``", false), ("`` `", false), ("a ``` b", true),
        ("`\(String(repeating: "x", count: 29))`", false),
        ("`\(String(repeating: "x", count: 30))`", true),
        ("`\(String(repeating: "x", count: 15))\n\(String(repeating: "x", count: 15))`", false),
        ("`\(String(repeating: "漢", count: 30))`", true), ("`\(String(repeating: "漢", count: 29))`", false),
        ("`a` \(String(repeating: "x", count: 40)) `b`", true), (String(repeating: "x", count: 99) + "`", false),
    ])
    func codeIsFound(_ text: String, _ isCode: Bool) {
        for pieces in [1, 2, 3, text.utf8.count] {
            #expect(Self.signals(text, pieces: pieces).contains(.code) == isCode)
        }
    }

    @Test func phrasesOfOtherAlphabetsWork() {
        let own = Vocabulary(plan: ["übersicht", "план|схема", "設計"], agent: [])
        for text in ["eine Übersicht bitte", "нарисуй СХЕМА", "この 設計 は", "план!"] {
            #expect(Self.signals(text, by: own).contains(.plan), "\(text)")
        }
        for text in ["Übersichten", "схемами", "この設計は"] {
            #expect(!Self.signals(text, by: own).contains(.plan), "\(text)")
        }
    }

    @Test func theLargestListsAreStillBuilt() throws {
        let long = try (0..<Phrase.listLimit).map { index in
            try Phrase((0..<20).map { "w\((index * 31 + $0 * 7) % 97)" }.joined(separator: " "))
        }
        let own = Vocabulary(plan: long, agent: long.reversed())
        #expect(Self.signals("x \(long[42].text) y", by: own).contains([.plan, .agent]))
    }
}
