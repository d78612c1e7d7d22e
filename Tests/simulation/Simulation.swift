#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Runs clusters, one a seed, on all processors.
@main
enum Simulation {
    /// Of one seed.
    struct Result: Sendable {
        var seed: UInt64
        var hash: UInt64
        var violation: Violation?
        var otherHash: UInt64?
        var events = 0
        var requests = 0
        var placed = 0
        var retries = 0
        var moves = 0
        var faults = 0
        var outcomes: [Int] = []
        var slowestRecovery: Moment = 0

        /// Whether other clocks made another trace.
        var differs: Bool { otherHash != nil && otherHash != hash }
    }

    static func main() async {
        do {
            let options = try Options(Array(CommandLine.arguments.dropFirst()))
            if options.isHelp { return print(Options.help, terminator: "") }
            if let record = options.record {
                let problem = ReplayedRecord.play(record, tells: options.tells)
                if let problem { say("cluster-simulation: \(problem)") }
                exit(problem == nil ? 0 : 1)
            }
            exit(await run(options) ? 0 : 1)
        } catch {
            say("cluster-simulation: \(error)")
            exit(2)
        }
    }

    private static func say(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    }

    private static func run(_ options: Options) async -> Bool {
        let began = ContinuousClock.now
        let results = await withTaskGroup(of: Result.self) { group in
            var next = options.seeds.lowerBound
            var all: [Result] = []
            var isStopped = false
            for _ in 0..<processors where next <= options.seeds.upperBound {
                let plan = options.plan(next)
                group.addTask { one(plan, options.isTwice) }
                next += 1
            }
            for await result in group {
                all.append(result)
                isStopped = isStopped || result.violation != nil || result.differs
                guard !isStopped, next <= options.seeds.upperBound else { continue }
                let plan = options.plan(next)
                group.addTask { one(plan, options.isTwice) }
                next += 1
            }
            return all.sorted { $0.seed < $1.seed }
        }
        tell(results, options, (ContinuousClock.now - began) / .seconds(1))
        if let bad = results.first(where: { $0.violation != nil }), let violation = bad.violation {
            tell(violation, options.plan(bad.seed), shrinks: options.shrinks)
            return false
        }
        if let bad = results.first(where: \.differs) {
            say(
                "seed \(bad.seed): by other clocks something else happened (trace \(hex(bad.hash)), \(hex(bad.otherHash ?? 0)))"
            )
            say("  next: cluster-simulation --seed \(bad.seed) --hours \(options.hours) --twice")
            return false
        }
        return true
    }

    private static var processors: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    private static func one(_ plan: World.Plan, _ isTwice: Bool) -> Result {
        let world = World(plan)
        var result = Result(seed: plan.seed, hash: 0, violation: world.run())
        result.hash = world.trace.hash
        (result.events, result.requests) = (world.events, world.requestCount)
        (result.placed, result.retries, result.moves) = (world.placedCount, world.retryCount, world.moveCount)
        (result.faults, result.outcomes) = (world.faults.count, world.outcomes)
        result.slowestRecovery = world.slowestRecovery
        if isTwice, result.violation == nil {
            var other = plan
            other.skew = plan.skew &+ plan.seed &+ 1
            let world = World(other)
            result.violation = world.run()
            result.otherHash = world.trace.hash
        }
        return result
    }

    // MARK: Telling

    private static func tell(_ results: [Result], _ options: Options, _ seconds: Double) {
        func sum(_ key: KeyPath<Result, Int>) -> Int { results.reduce(0) { $0 + $1[keyPath: key] } }
        var hash: UInt64 = 0
        for result in results { hash = (hash &* 31) ^ result.hash }
        let hours = results.count * options.hours * (options.isTwice ? 2 : 1)
        print(
            "\(hours) h of simulated time, \(sum(\.events)) events, \(sum(\.faults)) faults, \(sum(\.requests)) requests "
                + "(\(sum(\.placed)) placed, \(sum(\.retries)) retried, \(sum(\.moves)) moved) in \(Int(seconds)) s")
        let names = ["served", "refused", "failed", "lost", "left", "died"]
        let outcomes = names.indices.map { index in
            "\(results.reduce(0) { $0 + ($1.outcomes.isEmpty ? 0 : $1.outcomes[index]) }) \(names[index])"
        }
        print("  \(outcomes.joined(separator: ", "))")
        print("  slowest return after the last fault: \(Time.text(results.map(\.slowestRecovery).max() ?? 0))")
        print("trace \(hex(hash))")
    }

    private static func tell(_ violation: Violation, _ plan: World.Plan, shrinks: Bool) {
        func command(_ plan: World.Plan) -> String {
            var words = "cluster-simulation --seed \(plan.seed) --hours \(plan.hours)"
            if plan.skew != 0 { words += " --skew \(plan.skew)" }
            if let rule = plan.breaks { words += " --break \(rule.rawValue)" }
            if !plan.without.isEmpty {
                words += " --without \(plan.without.sorted().map(String.init).joined(separator: ","))"
            }
            return words
        }
        say("violated: \(violation)")
        say("seed \(plan.seed), at \(Time.text(violation.moment))")
        let (smaller, again) = shrinks ? Shrink.shrink(plan, violation) : (plan, violation)
        let world = World(smaller)
        _ = world.run()
        say("the last events before \(Time.text(again.moment)): \(again)")
        for line in world.trace.lines { say(line) }
        let left = world.faults.indices.filter { !smaller.without.contains($0) }
        say("faults, \(left.count) of \(world.faults.count):")
        for index in left { say("  \(index). \(world.faults[index])") }
        say("  next: \(command(smaller))")
    }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: max(0, 16 - digits.count)) + digits
    }
}
