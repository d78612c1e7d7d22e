import Cluster
import Foundation

/// The record of a router, told as a person reads it while ``Replay`` compares.
struct ReplayedRecord {
    /// One line of what is wrong, one of what to do.
    struct Problem: Error, CustomStringConvertible {
        var description: String

        init(_ file: String, _ line: Int?, _ what: String, next: String) {
            description = "\(file)\(line.map { ":\($0)" } ?? ""): \(what)\n  \(next)"
        }
    }

    private let file: String
    private let tells: Bool
    private let decoder = JSONDecoder()
    private var replay = Replay()
    private var names: [NodeID: String] = [:]
    /// Requests since the last line of the story, by where they went.
    private var placed: [String: Int] = [:]

    /// - Parameter tells: each placement, not only how many there were.
    /// - Returns: nil where all decisions are the same.
    static func play(_ file: String, tells: Bool) -> Problem? {
        var record = ReplayedRecord(file, tells)
        do {
            try record.play()
            return nil
        } catch {
            return error
        }
    }

    private init(_ file: String, _ tells: Bool) {
        self.file = file
        self.tells = tells
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
    }

    private mutating func play() throws(Problem) {
        let content: Data
        do {
            content = try Data(contentsOf: URL(filePath: file), options: .mappedIfSafe)
        } catch {
            throw Problem(file, nil, "it cannot be read: \(error.localizedDescription)", next: "fix: name a record")
        }
        var lines = content.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        // After the last line's end there is nothing, unless the router was killed while it wrote.
        let rest = lines.popLast() ?? Data()
        guard let first = lines.first else {
            throw Problem(file, 1, "there is no header", next: "fix: name a file that LLMSTACK_RECORD wrote")
        }
        let header = try decode(RecordHeader.self, first, line: 1, "the header of a record")
        guard header.llmstackRecord == RecordHeader.version else {
            throw Problem(
                file, 1, "it is of format \(header.llmstackRecord), and format \(RecordHeader.version) was expected",
                next: "fix: replay it with the cluster-simulation of the llmstack that wrote it")
        }
        print("recorded from \(Self.text(header.time, isWhole: true)) UTC")
        for (index, line) in lines.enumerated().dropFirst() {
            let event = try decode(RecordedEvent.self, line, line: index + 1, "an event")
            do {
                tell(try replay.take(event), of: event)
            } catch {
                tellPlaced()
                throw Problem(
                    file, index + 1, "recorded: \(error.recorded.printable(2000))",
                    next: "replayed: \(error.replayed.printable(2000))")
            }
        }
        tellPlaced()
        if !rest.isEmpty { print("the last line is cut off, and left out") }
        if replay.skipped > 0 { print("\(replay.skipped) events before a snapshot were passed over") }
        if replay.missing > 0 { print("\(replay.missing) events are not in the record: the router had no room") }
        print("replayed \(replay.events) events, \(replay.decisions) decisions, all the same")
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ line: Data, line number: Int, _ expected: String
    ) throws(Problem) -> Value {
        do {
            return try decoder.decode(type, from: line)
        } catch {
            throw Problem(
                file, number, "\(expected) was expected: \(Self.reason(error))",
                next: "fix: leave the file as the router wrote it; what is before the line can be replayed alone")
        }
    }

    private static func reason(_ error: any Error) -> String {
        func place(_ context: DecodingError.Context) -> String {
            context.codingPath.isEmpty ? "" : " at \(context.codingPath.map(\.stringValue).joined(separator: "."))"
        }
        let text =
            switch error as? DecodingError {
            case .keyNotFound(let key, let context)?: "there is no \"\(key.stringValue)\"\(place(context))"
            case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .dataCorrupted(let context)?:
                "\(context.debugDescription)\(place(context))"
            default: "\(error)"
            }
        return text.printable(500)
    }

    // MARK: The story

    private mutating func tell(_ step: Replay.Step, of event: RecordedEvent) {
        let time = replay.time(of: event).map { Self.text($0) } ?? "--:--:--.---"
        switch step {
        case .quiet, .skipped: break
        case .snapshot(let machine): if tells { print("\(time)  all that is known: \(machine)") }
        case .missing(let count):
            tellPlaced()
            print("\(time)  \(count) events are missing here")
        case .judged(let actions):
            tellPlaced()
            for case .changed(let id, let old, let new, let evidence) in actions {
                let change = "\(old?.rawValue ?? "new") -> \(new?.rawValue ?? "gone")"
                print("\(time)  \(name(id))  \(change)  \(evidence.description.printable())")
            }
        case .placed(let question, let route):
            let place: String
            switch route.decision {
            case .host(let verdict): place = "\(route.tier) on \(verdict.name)"
            case .unserved(let unserved): place = "\(route.tier) with nobody (\(unserved.why))"
            }
            if tells {
                let again =
                    question.tried.isEmpty ? "" : ", after \(question.tried.map { name($0) }.joined(separator: ", "))"
                print(
                    "\(time)  \(place.printable(500))\(again)  (\(route.reason.printable(500)), "
                        + "\(question.work.promptTokens) tokens)")
            } else {
                placed[place.printable(), default: 0] += 1
            }
        case .ended(let tier, let host, let outcome, let isOut):
            if isOut { tellPlaced() }
            if tells || isOut {
                let end =
                    switch outcome {
                    case .served: "served"
                    case .failed: "failed"
                    case .undecided: "over"
                    }
                let out = isOut ? ", and is out for a while" : ""
                print("\(time)  \(tier.printable()) on \(name(host)) \(end)\(out)")
            }
        }
    }

    private mutating func name(_ id: NodeID) -> String {
        let member = replay.membership?.members[id]
        let name =
            member?.description?.name ?? replay.fleet?.host(id)?.name ?? member?.advertisedName ?? names[id]
            ?? id.description
        names[id] = name
        return name.printable()
    }

    private mutating func tellPlaced() {
        if !placed.isEmpty {
            let parts = placed.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) \($0.key)" }
            print("              placed: \(parts.joined(separator: "; "))")
        }
        placed = [:]
    }

    /// The time of day, to the millisecond; or the day too, to the second.
    private static func text(_ time: Double, isWhole: Bool = false) -> String {
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: !isWhole, timeZone: .gmt)
            .dateTimeSeparator(.space)
        let text = Date(timeIntervalSince1970: min(max(time, 0), 1e11)).formatted(style)
        return String((isWhole ? text[...] : text.drop { $0 != " " }.dropFirst()).filter { $0 != "Z" })
    }
}
