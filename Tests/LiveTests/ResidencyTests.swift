import Testing
import llama_swap_stand_in

/// The stand-in's decisions, as lines: what happens, then what it does. Models are f, c, p, u; the matrix is that of
/// four tiers; requests are numbers.
@Suite("What the stand-in for llama-swap decides")
struct ResidencyTests {
    private static let matrix = Residency.Matrix(
        sets: [["f", "c"], ["f", "p"], ["f", "u"], ["f", "p", "u"]], costs: ["f": 2, "c": 30, "p": 6, "u": 9])

    @Test(
        "Loads evict the cheapest models that make room",
        arguments: [
            ("f", [], []),
            ("f", ["c"], []),
            ("c", ["f"], []),
            ("p", ["c", "f"], ["c"]),
            ("u", ["f", "p"], []),
            ("c", ["f", "p", "u"], ["p", "u"]),
            ("x", ["c", "f"], ["c", "f"]),
            ("f", ["x"], ["x"]),
        ])
    func evictions(target: String, running: [String], expected: [String]) {
        #expect(Self.matrix.evictions(for: target, running: running) == expected)
    }

    @Test("Of two ways to make room the cheaper one is taken")
    func cheaperWay() {
        let matrix = Residency.Matrix(sets: [["a", "big"], ["a", "small", "tiny"]], costs: ["big": 10, "small": 3])
        #expect(matrix.evictions(for: "a", running: ["big", "small", "tiny"]) == ["small", "tiny"])
    }

    @Test(
        "A story unfolds as llama-swap would have it",
        arguments: [
            // A cold start, a second request that joins it, and both served when it is ready.
            "1 f: start f, announce; 2 f: ; healthy f: serve 1, serve 2, announce; 3 f: serve 3",
            // The fast tier stays, one heavy tier goes for the other, and its process must be gone first.
            """
            1 f: start f, announce; healthy f: serve 1, announce; end 1: ; 2 c: start c, announce; \
            healthy c: serve 2, announce; end 2: ; 3 p: stop c, announce; exited c: start p, announce; \
            healthy p: serve 3, announce
            """,
            // An eviction waits for the request that the victim answers.
            """
            1 c: start c, announce; healthy c: serve 1, announce; 2 p: ; end 1: stop c, announce; \
            exited c: start p, announce; healthy p: serve 2, announce
            """,
            // A client that leaves while it waits is forgotten; its load goes on.
            "1 p: start p, announce; end 1: ; healthy p: announce; 2 p: serve 2",
            // A queued client that leaves starts nothing later.
            "1 c: start c, announce; healthy c: serve 1, announce; 2 p: ; end 2: ; end 1: ",
            // A load that would evict another load waits until that one is through.
            "1 c: start c, announce; 2 p: ; healthy c: serve 1, announce; end 1: stop c, announce",
            // A start that fails refuses all who wait, and the next request tries again.
            "1 p: start p, announce; 2 p: ; exited p: refuse 1, refuse 2, announce; 3 p: start p, announce",
            "1 p: start p, announce; timeout p: refuse 1, stop p, announce; exited p: announce",
            // A crash in use: the model is stopped; the next request loads it again.
            "1 p: start p, announce; healthy p: serve 1, announce; exited p: announce; end 1: ; 2 p: start p, announce",
            // Unloading refuses who waits, stops at once, and a request that comes meanwhile waits for the exit.
            """
            1 p: start p, announce; healthy p: serve 1, announce; unload p: stop p, announce; end 1: ; 2 p: ; \
            exited p: start p, announce
            """,
            "1 p: start p, announce; unload p: refuse 1, stop p, announce; exited p: announce",
            // Two chat tiers fit together with the fast one.
            "1 p: start p, announce; 2 u: start u, announce; healthy u: serve 2, announce; healthy p: serve 1, announce",
        ])
    func story(script: String) throws {
        var residency = Residency(matrix: Self.matrix)
        for step in script.split(separator: ";") {
            let halves = step.split(separator: ":", omittingEmptySubsequences: false)
                .map { $0.split(separator: " ").joined(separator: " ") }
            let words = halves[0].split(separator: " ").map(String.init)
            let actions: [Residency.Action]
            switch words[0] {
            case "healthy": actions = residency.healthy(words[1], at: .zero)
            case "exited": actions = residency.exited(words[1], at: .zero)
            case "timeout": actions = residency.timedOut(words[1], after: "1s", at: .zero)
            case "unload": actions = residency.unload([words[1]], at: .zero)
            case "end": actions = residency.finished(try #require(Int(words[1])), at: .zero)
            default: actions = residency.arrived(try #require(Int(words[0])), for: words[1], at: .zero)
            }
            #expect(actions.map(Self.text).joined(separator: ", ") == halves[1], "at \"\(halves[0])\"")
        }
    }

    private static func text(_ action: Residency.Action) -> String {
        switch action {
        case .start(let model): "start \(model)"
        case .stop(let model): "stop \(model)"
        case .serve(let request): "serve \(request)"
        case .refuse(let request, _): "refuse \(request)"
        case .announce: "announce"
        }
    }

    @Test("An idle model goes after its time, counted from the end of its last request")
    func idle() {
        var residency = Residency(matrix: Self.matrix, idleLimits: ["p": .seconds(10)])
        _ = residency.arrived(1, for: "p", at: .zero)
        _ = residency.healthy("p", at: .seconds(1))
        #expect(residency.tick(at: .seconds(60)) == [], "it is answering")
        _ = residency.finished(1, at: .seconds(60))
        #expect(residency.tick(at: .seconds(69)) == [])
        #expect(residency.tick(at: .seconds(70)) == [.stop("p"), .announce])
        #expect(residency.resident == ["p": .stopping])
    }

    @Test("The eleventh request at one model is refused, the others are not")
    func limit() {
        var residency = Residency(matrix: Self.matrix)
        for request in 1...10 {
            let actions = residency.arrived(request, for: "p", at: .zero)
            #expect(actions == (request == 1 ? [.start("p"), .announce] : []))
        }
        #expect(residency.arrived(11, for: "p", at: .zero) == [.refuse(11, .tooManyRequests)])
        #expect(residency.arrived(12, for: "f", at: .zero) == [.start("f"), .announce])
    }
}
