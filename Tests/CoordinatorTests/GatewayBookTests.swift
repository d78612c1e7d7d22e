import Cluster
import Coordinator
import Testing

/// Which router a gateway uses, in simulated time.
struct GatewayBookTests {
    private static let near = Place(host: "10.0.0.1", port: 10103)
    private static let far = Place(host: "10.0.0.2", port: 10103)
    private static let desktop = NodeID("desktop0")
    private static let box = NodeID("box00000")

    /// Plays a network to a book: what each router does from when on.
    private struct Play {
        enum Conduct { case answers(Double, key: Bool = true), freezes, refuses }

        var book = GatewayBook()
        var now = 0.0
        var conduct: [NodeID: Conduct] = [desktop: .answers(0.001), box: .answers(0.005)]
        private(set) var probed: [(node: NodeID, at: Double)] = []
        private var out: [(probe: GatewayBook.Probe, at: Double)] = []

        init() {
            book.sighted(desktop, name: "desktop", [near], at: 0)
            book.sighted(box, name: "box", [far], at: 0)
        }

        /// Seconds for an answer, as the driver has it.
        private static let patience = 1.0

        mutating func run(until end: Double) {
            while true {
                for probe in book.due(at: now) {
                    probed.append((probe.node, now))
                    out.append((probe, now + delay(of: probe)))
                }
                out.sort { $0.at < $1.at }
                let next = min(out.first?.at ?? .infinity, max(book.nextDeadline ?? .infinity, now))
                guard next <= end else { break }
                now = next
                while let first = out.first, first.at <= now {
                    out.removeFirst()
                    let outcome = outcome(of: first.probe)
                    book.ended(first.probe, outcome, at: now)
                }
            }
            now = end
        }

        private func delay(of probe: GatewayBook.Probe) -> Double {
            switch conduct[probe.node] ?? .freezes {
            case .answers(let time, _): time
            case .freezes: Self.patience
            case .refuses: 0
            }
        }

        private func outcome(of probe: GatewayBook.Probe) -> GatewayBook.Outcome {
            switch conduct[probe.node] ?? .freezes {
            case .answers(let time, let key): .answered(probe.places[0], roundTrip: time, key: key)
            case .freezes: .missed
            case .refuses: .failed
            }
        }

        mutating func choice(except tried: [NodeID] = []) -> NodeID? { book.choose(except: tried, at: now)?.node }
    }

    @Test func `the nearest is used, and stays while it answers`() {
        var play = Play()
        #expect(play.choice() == nil)
        play.run(until: 0.1)
        #expect(play.choice() == Self.desktop)
        play.conduct[Self.box] = .answers(0.0001)
        play.conduct[Self.desktop] = .answers(0.03)
        play.run(until: 60)
        #expect(play.choice() == Self.desktop)
        #expect(play.choice(except: [Self.desktop]) == Self.box)
        #expect(play.choice(except: [Self.desktop, Self.box]) == nil)
    }

    @Test func `the one in use is asked every two seconds, others every ten`() {
        var play = Play()
        play.run(until: 30.5)
        #expect(play.probed.filter { $0.node == Self.desktop }.count == 16)
        #expect((3...5).contains(play.probed.filter { $0.node == Self.box }.count))
    }

    @Test(arguments: [0.0, 0.5, 1, 1.5, 1.9]) func `a router that freezes is left within five seconds`(_ after: Double)
    {
        var play = Play()
        play.run(until: 10 + after)
        let frozen = play.now
        play.conduct[Self.desktop] = .freezes
        #expect(!play.book.isGone(Self.desktop))
        play.run(until: frozen + 4.5)
        #expect(play.book.isGone(Self.desktop))
        #expect(play.choice() == Self.box)
    }

    @Test func `a request that goes there has it found out sooner`() {
        var play = Play()
        play.run(until: 10.6)
        play.conduct[Self.desktop] = .freezes
        #expect(play.choice() == Self.desktop)
        play.run(until: 12.7)
        #expect(play.book.isGone(Self.desktop))
    }

    @Test func `a request that waits has it asked, and not in a loop`() {
        var play = Play()
        play.run(until: 10.1)
        let before = play.probed.count
        play.book.suspected(Self.desktop, at: play.now)
        play.run(until: play.now)
        #expect(play.probed.count == before)
        play.run(until: 10.9)
        play.book.suspected(Self.desktop, at: play.now)
        play.run(until: play.now)
        #expect(play.probed.count == before + 1)
    }

    @Test func `one miss is none`() {
        var play = Play()
        play.run(until: 10.5)
        play.conduct[Self.desktop] = .freezes
        play.run(until: 13.2)
        play.conduct[Self.desktop] = .answers(0.001)
        play.run(until: 20)
        #expect(play.choice() == Self.desktop)
    }

    @Test func `a refused connection says all at once`() {
        var play = Play()
        play.run(until: 1)
        play.conduct[Self.desktop] = .refuses
        play.run(until: 2.1)
        #expect(play.choice() == Self.box)
        play.book.failed(Self.box, isUnreachable: true, at: play.now)
        #expect(play.choice() == nil)
        #expect(play.book.inUse == nil)
    }

    @Test func `who comes back is used again where nobody else is`() {
        var play = Play()
        play.run(until: 1)
        play.conduct = [Self.desktop: .refuses, Self.box: .refuses]
        play.run(until: 30)
        #expect(play.choice() == nil)
        play.conduct[Self.box] = .answers(0.005)
        play.run(until: 32.1)
        #expect(play.choice() == Self.box)
    }

    @Test func `somebody who waits has all asked at once`() {
        var play = Play()
        play.conduct = [Self.desktop: .refuses, Self.box: .refuses]
        play.run(until: 30.9)
        let before = play.probed.count
        play.book.wanted(at: play.now)
        play.run(until: play.now)
        #expect(play.probed.count == before + 2)
        // But not in a loop.
        play.book.wanted(at: play.now)
        play.run(until: play.now)
        #expect(play.probed.count == before + 2)
    }

    @Test func `a router that has moved is asked where it is now`() {
        var play = Play()
        play.run(until: 1)
        let elsewhere = Place(host: "10.0.0.9", port: 10103)
        play.book.sighted(Self.desktop, name: "desktop", [elsewhere], at: play.now)
        play.run(until: play.now + 0.1)
        #expect(play.book.choose(at: play.now)?.place == elsewhere)
        // What is known already is no news.
        let asked = play.probed.count
        play.book.sighted(Self.desktop, name: "desktop", [elsewhere], at: play.now)
        play.run(until: play.now + 0.1)
        #expect(play.probed.count == asked)
    }

    @Test func `an answer to a question of before the news counts for nothing`() {
        var book = GatewayBook()
        book.sighted(Self.desktop, name: "desktop", [Self.near], at: 0)
        let old = book.due(at: 0)
        book.sighted(Self.desktop, name: "desktop", [Self.far], at: 0)
        for probe in old { book.ended(probe, .failed, at: 0.1) }
        #expect(!book.isGone(Self.desktop))
        for probe in book.due(at: 0.1) { book.ended(probe, .answered(Self.far, roundTrip: 0.1, key: true), at: 0.2) }
        #expect(book.choose(at: 0.2)?.place == Self.far)
    }

    @Test func `a key that nobody takes is refused, and one that somebody takes is not`() {
        var play = Play()
        play.conduct = [Self.desktop: .answers(0.001, key: false), Self.box: .answers(0.005)]
        play.run(until: 1)
        #expect(!play.book.keyIsRefused)
        #expect(play.choice() == Self.box)
        play.conduct[Self.box] = .answers(0.005, key: false)
        play.run(until: 20)
        #expect(play.book.keyIsRefused)
        // It is told so by the one that it asks.
        #expect(play.choice() != nil)
        play.conduct[Self.desktop] = .answers(0.001)
        play.book.keyChanged(at: play.now)
        play.run(until: play.now + 0.1)
        #expect(!play.book.keyIsRefused)
        #expect(play.choice() == Self.desktop)
    }

    @Test func `the router that was asked for is used whenever it is there`() {
        var play = Play()
        play.book = GatewayBook(preferred: Self.box)
        play.book.sighted(Self.desktop, name: "desktop", [Self.near], at: 0)
        play.run(until: 1)
        #expect(play.choice() == Self.desktop)
        play.book.sighted(Self.box, name: "box", [Self.far], at: 1)
        play.run(until: 2)
        #expect(play.choice() == Self.box)
        play.conduct[Self.box] = .refuses
        play.run(until: 5)
        #expect(play.choice() == Self.desktop)
    }

    @Test func `only who has answered is remembered, the one in use first`() {
        var play = Play()
        play.book.sighted(NodeID("nobody00"), name: "nobody", [Self.far], at: 0)
        play.run(until: 5)
        #expect(play.book.memory.map(\.node) == [Self.desktop, Self.box])
        #expect(play.book.memory.first?.places == [Self.near])
        play.conduct[Self.desktop] = .refuses
        play.run(until: 10)
        #expect(play.book.memory.map(\.node) == [Self.box, Self.desktop])
    }

    @Test func `a flood of announcements does not drive out who has answered`() {
        var play = Play()
        play.run(until: 1)
        for number in 0..<1000 {
            play.book.sighted(NodeID("flood\(1000 + number)"), name: "x", [Self.far], at: play.now)
        }
        #expect(play.book.due(at: play.now).count <= GatewayBook.capacity)
        #expect(play.choice() == Self.desktop)
        #expect(play.book.memory.count == 2)
    }
}
