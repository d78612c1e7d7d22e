/// The symbols that patterns tell apart: folded ASCII, the folded others that some pattern names, and five classes.
struct Alphabet {
    /// Any other word character, white space, and everything else.
    static let word = 128, space = 129, other = 130
    /// Between two parts of one message, and after the last character of a text.
    static let partBreak = 131, end = 132
    private static let firstNamed = 133

    private(set) var named: [Unicode.Scalar: Int] = [:]
    var count: Int { Self.firstNamed + named.count }

    init(_ patterns: [Pattern]) {
        for pattern in patterns { name(pattern) }
    }

    var astral: [Unicode.Scalar: Int] { named.filter { $0.key.value >= 0x10000 } }

    func symbol(of scalar: Unicode.Scalar) -> Int {
        let folded = scalar.caseFolded
        if folded.isASCII { return Int(folded.value) }
        return named[folded] ?? (scalar.isWord ? Self.word : scalar.isSpace ? Self.space : Self.other)
    }

    func isWord(_ symbol: Int) -> Bool {
        if symbol < 128 { return Unicode.Scalar(UInt8(symbol)).isWord }
        if symbol >= Self.firstNamed { return named.contains { $0.value == symbol && $0.key.isWord } }
        return symbol == Self.word
    }

    func isSpace(_ symbol: Int) -> Bool {
        symbol == Self.space || symbol < 128 && Unicode.Scalar(UInt8(symbol)).isSpace
    }

    private mutating func name(_ pattern: Pattern) {
        switch pattern {
        case .text(let scalars), .one(let scalars):
            for scalar in scalars.map(\.caseFolded) where !scalar.isASCII && named[scalar] == nil {
                named[scalar] = count
            }
        case .sequence(let parts), .any(of: let parts): parts.forEach { name($0) }
        case .optional(let part), .many(let part), .some(let part): name(part)
        case .space, .spaceAcrossParts, .wordBoundary, .lineStart: break
        }
    }
}

/// From patterns to a table, by way of sets of NFA states.
struct SubsetConstruction {
    private enum Step {
        case symbols(Set<Int>, next: Int)
        case fork(Int, Int)
        case wordBoundary(next: Int)
        case lineStart(next: Int)
        case signal(Signals)
    }

    /// What a deterministic state knows: NFA states before a character, and the character before them.
    fileprivate struct Key: Hashable {
        var steps: [Int]
        var afterWord: Bool
        var atLineStart: Bool
    }

    let alphabet: Alphabet
    private var steps: [Step] = []
    private var starts: [Int] = []

    init(alphabet: Alphabet) { self.alphabet = alphabet }

    mutating func add(_ pattern: Pattern, signal: Signals) {
        let accept = append(.signal(signal))
        starts.append(emit(pattern, then: accept))
    }

    private mutating func append(_ step: Step) -> Int {
        steps.append(step)
        return steps.count - 1
    }

    /// - Returns: the state from which `pattern` leads to `next`.
    private mutating func emit(_ pattern: Pattern, then next: Int) -> Int {
        switch pattern {
        case .text(let scalars):
            return scalars.reversed().reduce(next) { following, scalar in
                append(.symbols([alphabet.symbol(of: scalar)], next: following))
            }
        case .space:
            return append(.symbols(Set((0..<alphabet.count).filter(alphabet.isSpace)), next: next))
        case .spaceAcrossParts:
            return append(
                .symbols(Set((0..<alphabet.count).filter(alphabet.isSpace)).union([Alphabet.partBreak]), next: next))
        case .one(let scalars):
            return append(.symbols(Set(scalars.map(alphabet.symbol)), next: next))
        case .sequence(let parts):
            return parts.reversed().reduce(next) { emit($1, then: $0) }
        case .any(of: let parts):
            return parts.map { emit($0, then: next) }.reduce(nil as Int?) { fork, part in
                fork.map { append(.fork($0, part)) } ?? part
            } ?? append(.symbols([], next: next))
        case .optional(let part):
            return append(.fork(emit(part, then: next), next))
        case .many(let part):
            let loop = append(.fork(next, next))
            steps[loop] = .fork(emit(part, then: loop), next)
            return loop
        case .some(let part):
            return emit(part, then: emit(.many(part), then: next))
        case .wordBoundary: return append(.wordBoundary(next: next))
        case .lineStart: return append(.lineStart(next: next))
        }
    }

    struct Result {
        var table: [UInt32]
        var start: UInt32
        var states: Int
        /// For each column, the state in which only that last character is known.
        var restStates: [UInt32]
        /// Symbols that no pattern tells apart share a column, which keeps the table within the first-level cache.
        var columnOfSymbol: [UInt16]
    }

    func build() -> Result {
        let columns = self.columns()
        let width = columns.traits.count
        var numbers: [Key: UInt32] = [:]
        var queue: [Key] = []
        func number(_ key: Key) -> UInt32 {
            if let known = numbers[key] { return known }
            let new = UInt32(queue.count)
            numbers[key] = new
            queue.append(key)
            return new
        }
        let start = number(Key(steps: [], afterWord: false, atLineStart: true))
        let rest = columns.traits.map { number(Key(steps: [], afterWord: $0.isWord, atLineStart: $0.startsLine)) }
        // A pattern may begin anywhere, so every state goes on as the starts alone do, and on top of that as its own
        // steps do: what the starts lead to is worked out once for each edge.
        var common: [Edge: (reach: Reach, targets: [UInt32])] = [:]
        var table: [UInt32] = []
        var row = 0
        while row < queue.count {
            let key = queue[row]
            row += 1
            let halves = [true, false].map { beforeWord in
                let edge = Edge(afterWord: key.afterWord, atLineStart: key.atLineStart, beforeWord: beforeWord)
                if common[edge] == nil {
                    let reach = reach(from: starts, over: edge, columns)
                    common[edge] = (
                        reach,
                        columns.traits.enumerated().map { column, traits in
                            number(Key(steps: reach.steps[column], traits))
                        }
                    )
                }
                return (base: common[edge], own: reach(from: key.steps, over: edge, columns))
            }
            for (column, traits) in columns.traits.enumerated() {
                let half = halves[traits.isWord ? 0 : 1]
                guard let base = half.base else { continue }
                let own = half.own.steps[column]
                let next =
                    own.isEmpty
                    ? base.targets[column] : number(Key(steps: merged(base.reach.steps[column], own), traits))
                let signals = base.reach.signals.union(half.own.signals)
                let marks: Automaton.Marks = traits.isBacktick ? .backtick : []
                table.append(
                    next * UInt32(width) | UInt32(signals.rawValue | marks.rawValue << Automaton.markShift) << 24)
            }
        }
        return Result(
            table: table, start: start * UInt32(width), states: queue.count,
            restStates: rest.map { $0 * UInt32(width) }, columnOfSymbol: columns.ofSymbol)
    }

    /// The place between two characters.
    private struct Edge: Hashable {
        var afterWord: Bool
        var atLineStart: Bool
        var beforeWord: Bool
    }

    private struct Reach {
        /// For each column, the NFA states that a character of it leads to, ascending.
        var steps: [[Int]]
        /// Complete before that character.
        var signals: Signals = []
    }

    private struct Columns {
        var ofSymbol: [UInt16] = []
        /// What a column's symbols have in common.
        var traits: [Traits] = []
        /// Of each NFA state that takes a symbol: the columns it takes.
        var taken: [[Int]]
    }

    fileprivate struct Traits {
        var isWord: Bool
        var startsLine: Bool
        /// Told apart for ``CodeSpans``, which reads only texts that have one.
        var isBacktick: Bool
    }

    private func columns() -> Columns {
        var memberships: [[Int]] = Array(repeating: [], count: alphabet.count)
        for (index, step) in steps.enumerated() {
            if case .symbols(let set, _) = step { for symbol in set { memberships[symbol].append(index) } }
        }
        var columns = Columns(taken: Array(repeating: [], count: steps.count))
        var known: [[Int]: UInt16] = [:]
        for (symbol, members) in memberships.enumerated() {
            let traits = Traits(
                isWord: alphabet.isWord(symbol),
                startsLine: symbol == 0x0A || symbol == Alphabet.partBreak || symbol == Alphabet.end,
                isBacktick: symbol == 0x60)
            let key = members + [traits.isWord, traits.startsLine, traits.isBacktick].map { $0 ? -1 : -2 }
            if let column = known[key] {
                columns.ofSymbol.append(column)
                continue
            }
            let column = columns.traits.count
            known[key] = UInt16(column)
            columns.ofSymbol.append(UInt16(column))
            columns.traits.append(traits)
            for member in members { columns.taken[member].append(column) }
        }
        return columns
    }

    /// Follows everything that needs no character, then one character of each column.
    private func reach(from origins: [Int], over edge: Edge, _ columns: Columns) -> Reach {
        var reach = Reach(steps: Array(repeating: [], count: columns.traits.count))
        var seen: Set<Int> = []
        var pending = origins
        while let index = pending.popLast() {
            guard seen.insert(index).inserted else { continue }
            switch steps[index] {
            case .symbols(_, let next): for column in columns.taken[index] { reach.steps[column].append(next) }
            case .fork(let first, let second): pending += [first, second]
            case .wordBoundary(let next): if edge.afterWord != edge.beforeWord { pending.append(next) }
            case .lineStart(let next): if edge.atLineStart { pending.append(next) }
            case .signal(let signal): reach.signals.insert(signal)
            }
        }
        for column in reach.steps.indices where reach.steps[column].count > 1 {
            reach.steps[column] = merged(reach.steps[column].sorted(), [])
        }
        return reach
    }

    /// Two ascending lists as one, each number once.
    private func merged(_ first: [Int], _ second: [Int]) -> [Int] {
        var result: [Int] = []
        var (left, right) = (first[...], second[...])
        while let next = [left.first, right.first].compactMap({ $0 }).min() {
            if result.last != next { result.append(next) }
            if left.first == next { left.removeFirst() } else { right.removeFirst() }
        }
        return result
    }
}

extension SubsetConstruction.Key {
    fileprivate init(steps: [Int], _ traits: SubsetConstruction.Traits) {
        self.init(steps: steps, afterWord: traits.isWord, atLineStart: traits.startsLine)
    }
}
