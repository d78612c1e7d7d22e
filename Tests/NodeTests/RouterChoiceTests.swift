import Cluster
import Node
import Testing

/// Which router is used, of which are found. Routers are written as `NAME@CLUSTER[#ID] STATE...`, where a state is a round
/// trip in milliseconds, `silent` or `newer`; then `far` (on no network of this host), `drains`, `bare` (no tiers).
struct RouterChoiceTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var wanted: String
        var found: [String]
        var choice: String

        var testDescription: String { "\(wanted): \(found.joined(separator: ", ")) -> \(choice)" }

        init(_ wanted: String, _ found: [String], _ choice: String) {
            (self.wanted, self.found, self.choice) = (wanted, found, choice)
        }
    }

    static let cases: [Case] = [
        Case("any", [], "nothing"),
        // One cluster is taken, and its nearest router.
        Case("any", ["a@studio 3"], "use a"), Case("any", ["a@studio 9", "b@studio 2"], "use b a"),
        Case("any", ["b@studio 2", "a@studio 2"], "use a b"), Case("any", ["a@studio silent", "b@studio 5"], "use b"),
        Case("any", ["a@studio 1 far", "b@studio 40"], "use b a"),
        Case("any", ["a@studio 1 drains", "b@studio 40 far"], "use b a"),
        Case("any", ["a@studio 1 bare", "b@studio 40"], "use b a"),
        // What cannot be used is no reason to ask.
        Case("any", ["a@studio 3", "x@lab silent"], "use a"), Case("any", ["a@studio 3", "x@lab newer"], "use a"),
        Case("any", ["a@studio silent"], "unusable a"),
        Case("any", ["a@studio newer", "b@lab silent"], "unusable a b"),
        // Several clusters: by name, then as they were.
        Case("any", ["a@studio 3", "x@lab 8", "y@lab 2"], "choose lab:y,x studio:a"),
        // Two of one name are two.
        Case("any", ["a@studio#one 3", "b@studio#two 1"], "choose studio:a studio:b"),
        // By name: a cluster's, its id, a router's, its host's.
        Case("studio", ["a@studio 3", "x@lab 1"], "use a"), Case("STUDIO", ["a@Studio 3", "x@lab 1"], "use a"),
        Case("id-one", ["a@studio#one 3", "b@studio#two 1"], "use a"),
        Case("studio", ["a@studio#one 3", "b@studio#two 1"], "choose studio:a studio:b"),
        Case("b", ["a@studio 3", "b@studio 9", "x@lab 1"], "use b a preferring b"),
        Case("b.local", ["a@studio 3", "b@studio 9"], "use b a preferring b"),
        Case("studio", ["studio@lab 1", "b@studio 9"], "use b"),
        Case("b", ["b@studio 3", "b@lab 1"], "choose lab:b studio:b"),
        Case("b", ["a@studio 3", "b@studio silent"], "unusable b"),
        Case("lab", ["a@studio 3", "x@lab silent"], "unusable x"),
        Case("nobody", ["a@studio 3", "x@lab 1"], "unknown a x"), Case("nobody", [], "nothing"),
        // A pinned cluster is known by its id alone.
        Case("=studio", ["a@studio 3", "x@lab 1"], "use a"),
        Case("=one", ["a@studio#one 9", "b@studio#two 1"], "use a"),
        Case("=studio+b", ["a@studio 3", "b@studio 9"], "use b a preferring b"),
        Case("=studio+b", ["a@studio 3", "b@studio silent"], "use a preferring b"),
        Case("=studio", ["x@lab 1"], "unknown x"),
        Case("=studio", ["a@studio silent", "x@lab 1"], "unusable a"),
    ]

    @Test(arguments: cases) func `the choice is as the table has it`(_ test: Case) throws {
        let found = try test.found.map(Self.router)
        for isTerminal in [true, false] {
            let choice = RouterChoice(among: found, wanted: Self.wanted(test.wanted), isTerminal: isTerminal)
            let expected = test.choice.replacing("choose", with: isTerminal ? "ask" : "list")
            #expect(Self.text(choice) == expected)
            // There is a message exactly where there is nothing to use and nobody to ask.
            let isOpen = ["use", "ask"].contains(expected.prefix { $0 != " " })
            let failure = RouterNotFound(
                choice, wanted: Self.wanted(test.wanted), findings: RouterFindings(candidates: found))
            #expect((failure == nil) == isOpen)
            #expect(failure?.exitCode == (isOpen ? nil : expected.hasPrefix("list") ? 2 : 1))
            let advice = failure?.description.split(separator: "\n").filter { $0.hasPrefix("  fix: ") }
            #expect(advice?.count == (isOpen ? nil : 1))
        }
    }

    @Test(
        arguments: [
            ("1", "lab"), ("2", "studio"), (" 2 ", "studio"), ("studio", "studio"), ("LAB", "lab"), ("0", nil),
            ("3", nil),
            ("-1", nil), ("", nil), ("1 2", nil), ("both", nil), ("99999999999999999999", nil),
        ] as [(String, String?)])
    func `a cluster is picked by its number or its name`(_ answer: String, _ cluster: String?) throws {
        let clusters = [[try Self.router("x@lab 1")], [try Self.router("a@studio 3")]]
        #expect(RouterChoice.pick(answer, of: clusters)?.first?.clusterName == cluster)
    }

    @Test func `of two clusters with one name neither is picked by it`() throws {
        let clusters = [[try Self.router("a@studio#one 1")], [try Self.router("b@studio#two 3")]]
        #expect(RouterChoice.pick("studio", of: clusters) == nil)
        #expect(RouterChoice.pick("2", of: clusters)?.first?.name == "b")
    }

    @Test func `the table lines up, and says of each what it is`() throws {
        let routers = try ["desktop@studio 1", "x@lab 23", "old@lab silent", "new@den newer", "b@lab 3 drains bare"]
            .map(
                Self.router)
        #expect(
            RouterTable.lines(routers) == [
                "cluster  router   host           tiers             round trip",
                "den      new      new.local      code-smart, plan  cannot be used: speaks version 2",
                "lab      x        x.local        code-smart, plan  23 ms",
                "lab      b        b.local        none to lend      3.0 ms, takes no new work",
                "lab      old      old.local      code-smart, plan  no answer",
                "studio   desktop  desktop.local  code-smart, plan  1.0 ms",
            ])
        let numbered = RouterTable.numbered([[routers[1], routers[2]], [routers[0]]])
        #expect(numbered.map { $0.prefix(3) } == ["   ", "1  ", "   ", "2  "])
    }

    @Test func `a message about two clusters of one name tells them apart`() throws {
        let found = try ["a@studio#one 3", "b@studio#two 1"].map(Self.router)
        let choice = RouterChoice(among: found, wanted: .any, isTerminal: false)
        let message = RouterNotFound(choice, wanted: .any, findings: .init(candidates: found))?.description ?? ""
        #expect(message.contains("--external id-one") && message.contains("--external id-two"), "\(message)")
    }

    @Test func `nothing found names the interfaces, what blocks, and how to name a host`() {
        let findings = RouterFindings(
            candidates: [],
            interfaces: [
                .init(name: "eth0", addresses: ["10.0.0.7", "fd00::7"]), .init(name: "wlan0", addresses: ["10.1.0.7"]),
                .init(name: "tun0", addresses: ["10.8.0.2"], isTunnel: true),
            ])
        let message = RouterNotFound(nothingIn: findings).description
        for piece in [
            "eth0 (10.0.0.7, fd00::7), wlan0 (10.1.0.7)", "not searched: tun0", "for 3 s", "guest network",
            "UDP port 5353",
            "avahi-daemon", "--external http://HOST:10103",
        ] {
            #expect(message.contains(piece), "\(message)")
        }
    }

    @Test func `a directory that is not there is said with its own advice`() {
        let findings = RouterFindings(
            candidates: [], unavailable: .init(reason: "avahi-daemon is not running", fix: "sudo apt install it"))
        let message = RouterNotFound(nothingIn: findings).description
        #expect(message.contains("avahi-daemon is not running") && message.contains("  fix: sudo apt install it"))
        #expect(message.contains("http://HOST:10103"))
    }

    // MARK: Reading and writing the table

    private struct Unreadable: Error {}

    private static func wanted(_ text: String) -> RouterChoice.Wanted {
        if text == "any" { return .any }
        guard text.hasPrefix("=") else { return .name(text) }
        let parts = text.dropFirst().split(separator: "+").map(String.init)
        let cluster = ClusterIdentity(
            id: ClusterID("id-\(parts.first ?? "")"), name: parts.first ?? "", security: .open)
        return .cluster(
            cluster, preferred: parts.count > 1 ? NodeID("node-\(parts[1])-studio") : nil)
    }

    static func router(_ text: String) throws -> RouterCandidate {
        let words = text.split(separator: " ").map(String.init)
        let parts = (words.first ?? "").split(whereSeparator: { "@#".contains($0) }).map(String.init)
        guard parts.count >= 2, words.count >= 2 else { throw Unreadable() }
        let traits = words.dropFirst(2)
        let state: RouterCandidate.State =
            switch words[1] {
            case "silent": .silent
            case "newer": .incompatible(version: "2")
            default:
                .live(
                    url: "http://\(parts[0]).local:10103", roundTrip: .milliseconds(Int(words[1]) ?? 0),
                    isOnLink: !traits.contains("far"))
            }
        return RouterCandidate(
            cluster: ClusterID("id-\(parts.count > 2 ? parts[2] : parts[1])"), clusterName: parts[1],
            node: NodeID("node-\(parts[0])-\(parts[1])"), name: parts[0], host: "\(parts[0]).local",
            tiers: traits.contains("bare") ? [] : ["code-smart", "plan"], isAccepting: !traits.contains("drains"),
            state: state)
    }

    private static func text(_ choice: RouterChoice) -> String {
        func names(_ routers: [RouterCandidate]) -> String { routers.map(\.name).joined(separator: " ") }
        func groups(_ clusters: [[RouterCandidate]]) -> String {
            clusters.map { "\($0.first?.clusterName ?? ""):" + $0.map(\.name).joined(separator: ",") }
                .joined(separator: " ")
        }
        return switch choice {
        case .use(let routers, let preferred):
            "use \(names(routers))"
                + (preferred.map { " preferring \($0.description.split(separator: "-")[1])" } ?? "")
        case .ask(let clusters): "ask \(groups(clusters))"
        case .list(let clusters): "list \(groups(clusters))"
        case .unusable(let routers): "unusable \(names(routers))"
        case .unknown(let routers): "unknown \(names(routers))"
        case .nothing: "nothing"
        }
    }
}
