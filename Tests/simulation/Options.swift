/// What was asked for.
struct Options {
    var seeds: ClosedRange<UInt64> = 1...20
    var hours = 1
    var skew: UInt64 = 0
    var breaks: Break?
    var without: Set<Int> = []
    /// Each seed is run again with other clocks, and must give the same trace.
    var isTwice = false
    /// Whether all that happens is told.
    var tells = false
    /// Whether fewer faults are looked for that do the same harm.
    var shrinks = true
    /// The record of a router to be replayed, in place of simulations.
    var record: String?
    var isHelp = false

    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    static let help = """
        cluster-simulation [--seeds A..B | --seed N] [--hours H] [--twice] [--skew N] [--break RULE] [--without N,N] [--no-shrink] [--trace]
        cluster-simulation --replay FILE [--trace]

          --seeds A..B     runs a cluster for each seed; 1..20
          --hours H        simulated hours of each; 1
          --twice          runs each again by other clocks: the same must happen
          --skew N         where clocks begin, and what they show; 0: all at nothing
          --break RULE     breaks a rule on purpose: \(Break.allCases.map(\.rawValue).joined(separator: ", "))
          --without N,N    leaves faults out by their numbers, as a smaller list of them says
          --no-shrink      does not look for fewer faults that violate the same
          --trace          tells all that happens
          --replay FILE    feeds what a router recorded (LLMSTACK_RECORD) to the same machines, and compares what they decide

        """

    init(_ arguments: [String]) throws(Invalid) {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "-h", "--help": isHelp = true
            case "--twice": isTwice = true
            case "--no-shrink": shrinks = false
            case "--trace": tells = true
            case "--seed":
                let seed = try Self.number(rest.popFirst(), of: word)
                seeds = seed...seed
            case "--seeds":
                let text = rest.popFirst() ?? ""
                let ends = text.split(separator: ".", omittingEmptySubsequences: true).compactMap { UInt64($0) }
                guard ends.count == 2, ends[0] <= ends[1] else {
                    throw Invalid(description: "--seeds \(text) is no range\n  fix: write --seeds 1..20")
                }
                seeds = ends[0]...ends[1]
            case "--hours":
                hours = Int(try Self.number(rest.popFirst(), of: word))
                guard (1...1000).contains(hours) else {
                    throw Invalid(
                        description: "--hours \(hours) is out of range\n  fix: from 1 to 1000; use more seeds")
                }
            case "--replay":
                guard let file = rest.popFirst(), !file.isEmpty else {
                    throw Invalid(description: "--replay needs a file\n  fix: the one that LLMSTACK_RECORD named")
                }
                record = file
            case "--skew": skew = try Self.number(rest.popFirst(), of: word)
            case "--break":
                let name = rest.popFirst() ?? ""
                guard let rule = Break(rawValue: name) else {
                    throw Invalid(
                        description: "--break \(name): there is no such rule\n  fix: one of "
                            + Break.allCases.map(\.rawValue).joined(separator: ", "))
                }
                breaks = rule
            case "--without":
                for part in (rest.popFirst() ?? "").split(separator: ",") {
                    without.insert(Int(try Self.number(String(part), of: word)))
                }
            default: throw Invalid(description: "\(word) is not known\n  fix: --help lists what is")
            }
        }
    }

    private static func number(_ text: String?, of option: String) throws(Invalid) -> UInt64 {
        guard let text, let number = UInt64(text), number <= 1 << 40 else {
            throw Invalid(description: "\(option) \(text ?? "") is no number\n  fix: write it like \(option) 7")
        }
        return number
    }

    func plan(_ seed: UInt64) -> World.Plan {
        World.Plan(seed: seed, hours: hours, skew: skew, breaks: breaks, without: without, tells: tells)
    }
}
