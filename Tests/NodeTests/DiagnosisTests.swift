import Cluster
import Node
import Testing

struct DiagnosisTests {
    private static let open = ClusterIdentity(id: ClusterID("abcdefgh"), name: "team", security: .open)

    /// A host where all is well.
    private static var well: Symptoms {
        var symptoms = Symptoms()
        symptoms.cluster = open
        symptoms.interfaces = [
            .init(name: "lo", addresses: ["127.0.0.1"], isNetwork: false),
            .init(name: "eth0", addresses: ["10.0.0.5"], isNetwork: true),
        ]
        symptoms.directory = .available
        symptoms.ports = [.init(10101, "router", .own), .init(10103, "cluster", .own)]
        symptoms.clockIsKept = true
        symptoms.nodes = [.init(name: "desk", state: "up")]
        return symptoms
    }

    @Test("Where all is well, the only warning is that the cluster is open")
    func well() {
        #expect(Self.well.findings.filter { $0.verdict != .ok }.map(\.subject) == ["cluster"])
    }

    @Test(
        "In a cluster with keys the certificate and the number of issuers count",
        arguments: [
            (true, 2, 25, [], nil, ""), (false, 1, 25, [], nil, ""),
            (true, 1, 25, [], "cluster", "the only one"),
            (false, 1, 5, [], "certificate", "runs out in 5 days"),
            (false, 1, -3, [], "certificate", "ran out 3 days ago"),
        ] as [(Bool, Int, Int, [String], String?, String)])
    func keyed(
        _ isIssuer: Bool, _ issuers: Int, _ days: Int, _ leftOut: [String], _ subject: String?, _ detail: String
    ) {
        var symptoms = Self.well
        symptoms.cluster = ClusterIdentity(id: ClusterID("abcdefgh"), name: "team", security: .keys)
        symptoms.trust = .init(isIssuer: isIssuer, issuers: issuers, daysLeft: days, leftOut: leftOut)
        let wrong = symptoms.findings.filter { $0.verdict != .ok }
        #expect(wrong.map(\.subject) == (subject.map { [$0] } ?? []))
        #expect(wrong.allSatisfy { $0.detail.contains(detail) && $0.fix != nil })
    }

    @Test("A node that was revoked is told how to come back")
    func revoked() throws {
        var symptoms = Self.well
        symptoms.cluster = ClusterIdentity(id: ClusterID("abcdefgh"), name: "team", security: .keys)
        symptoms.trust = .init(isIssuer: false, issuers: 1, daysLeft: 25, leftOut: [])
        symptoms.trust?.shutOut = "this node was revoked, or never let in"
        let finding = try #require(symptoms.findings.first { $0.subject == "cluster" })
        #expect(finding.verdict == .problem && finding.detail.hasSuffix("this node was revoked, or never let in"))
        #expect(finding.fix?.contains("llmstack join TOKEN") == true)
    }

    @Test("A host that uses another's router does not serve itself alone")
    func elsewhere() throws {
        var symptoms = Self.well
        symptoms.cluster = nil
        symptoms.usedElsewhere = "the routers of the cluster team through its gateway"
        let finding = try #require(symptoms.findings.first { $0.subject == "cluster" })
        #expect(finding.verdict == .ok && finding.fix == nil)
        #expect(finding.detail.hasSuffix("uses the routers of the cluster team through its gateway"))
    }

    @Test(
        "Each fault is found, judged and comes with what to do",
        arguments: [
            ("port 10103", Finding.Verdict.problem, "nginx (pid 7)", "another port"),
            ("network", .problem, "no interface", "nodes add"),
            ("mdns", .problem, "no daemon", "apt"),
            ("firewall", .warning, "ufw", "ufw allow 10103/tcp"),
            ("clock", .warning, "no time server", "timedatectl"),
            ("router", .warning, "ROUTER_HOST", "unset ROUTER_HOST"),
            ("nodes", .warning, "desk is down", "llmstack nodes"),
        ])
    func faults(_ subject: String, _ verdict: Finding.Verdict, _ detail: String, _ fix: String) throws {
        var symptoms = Self.well
        symptoms.ports = [.init(10103, "cluster", .stranger(Occupant(pid: 7, command: "nginx")))]
        symptoms.interfaces.removeLast()
        symptoms.directory = .unavailable(reason: "no daemon", fix: "apt install it")
        symptoms.firewalls = [.ufw]
        symptoms.clockIsKept = false
        symptoms.routerIsExposed = true
        symptoms.nodes = [.init(name: "desk", state: "down"), .init(name: "box", state: "up")]
        let finding = try #require(symptoms.findings.first { $0.subject == subject })
        #expect(finding.verdict == verdict)
        #expect(finding.detail.contains(detail))
        #expect(finding.fix?.contains(fix) == true)
    }

    @Test(
        "Firewalls are known by their settings or their daemon",
        arguments: [
            ("ENABLED=yes\n", [], nil, [Symptoms.Firewall.ufw]), ("# ENABLED=yes\nENABLED=no\n", [], nil, []),
            (nil, ["firewalld", "bash"], nil, [.firewalld]),
            (nil, [], "Firewall is enabled. (State = 1)", [.application]),
            (nil, [], "Firewall is disabled. (State = 0)", []),
        ] as [(String?, Set<String>, String?, [Symptoms.Firewall])])
    func firewalls(_ ufw: String?, _ programs: Set<String>, _ application: String?, _ found: [Symptoms.Firewall]) {
        #expect(Symptoms.Firewall.enabled(ufw: ufw, programs: programs, application: application) == found)
    }

    @Test("A host in no cluster has nothing to mend, and nobody to look for")
    func alone() {
        var symptoms = Self.well
        symptoms.cluster = nil
        symptoms.nodes = nil
        #expect(symptoms.findings.allSatisfy { $0.verdict == .ok })
        symptoms.directory = .unavailable(reason: "no daemon", fix: "apt install it")
        symptoms.interfaces.removeLast()
        #expect(symptoms.findings.filter { $0.verdict != .ok }.map(\.subject) == ["network", "mdns"])
        #expect(symptoms.findings.allSatisfy { $0.verdict != .problem })
    }

    @Test("What the stack lacks is named, with what to do")
    func lacks() throws {
        var symptoms = Self.well
        var stack = Symptoms.Stack()
        stack.modelsProblem = "/p/models.ini:2: \"hello\" is no key\n  fix: write key = value"
        stack.missingLlamaSwap = "/bin/llama-swap"
        stack.llamaServerProblem = Finding("llama-server", .warning, "there is none", fix: "install llama.cpp")
        symptoms.stack = stack
        let found = symptoms.findings
        let models = try #require(found.first { $0.subject == "models.ini" })
        #expect(models.verdict == .problem && models.detail == "/p/models.ini:2: \"hello\" is no key")
        #expect(models.fix == "write key = value")
        #expect(found.contains { $0.subject == "llama-swap" && $0.fix == "llmstack install-llama-swap" })
        #expect(found.contains { $0.subject == "llama-server" })
    }

    @Test(
        "Each set that does not fit into memory has a line; where all do, one says so",
        arguments: [
            (1e12, nil, [.ok], "fits"), (41e9, nil, [.warning, .warning, .warning], "smaller"),
            (51.5e9, 57344, [.warning, .warning], "iogpu.wired_limit_mb=57344"),
        ] as [(Double, Int?, [Finding.Verdict], String)])
    func memory(_ bytes: Double, _ raisable: Int?, _ verdicts: [Finding.Verdict], _ words: String) throws {
        let catalog = try Catalog.parse(ModelsINI.seed(withBedrock: false), file: "models.ini")
        let kind = raisable.map { MemoryLimit.Kind.unified(raisableMebibytes: $0) } ?? .system
        var symptoms = Self.well
        symptoms.stack = .init()
        symptoms.stack?.memory = MemoryMath(catalog: catalog, limit: MemoryLimit(bytes: bytes, kind: kind)) { _ in nil }
        let found = symptoms.findings.filter { $0.subject == "memory" }
        #expect(found.map(\.verdict) == verdicts, "\(found)")
        #expect(found.allSatisfy { "\($0.detail) \($0.fix ?? "")".contains(words) }, "\(found)")
    }

    @Test("The list for people has a line a finding, and the fix below it")
    func text() {
        let text = [Finding("a", .ok, "fine"), Finding("long", .problem, "bad", fix: "mend it")].text
        #expect(text == "ok       a     fine\nPROBLEM  long  bad\n               fix: mend it")
    }
}
