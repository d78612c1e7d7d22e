package import Cluster
import Foundation
package import Wire

/// What was found on a host that wants to be in a cluster, before it is judged.
package struct Symptoms: Equatable, Sendable {
    /// A network interface that is up.
    package struct Interface: Equatable, Sendable {
        package var name: String
        package var addresses: [String]
        /// Whether other machines may be behind it: neither loopback, nor a tunnel, nor a bridge to containers.
        package var isNetwork: Bool

        package init(name: String, addresses: [String], isNetwork: Bool) {
            self.name = name
            self.addresses = addresses
            self.isNetwork = isNetwork
        }
    }

    /// Whether the directory of services on the network answers.
    package enum Directory: Equatable, Sendable {
        case available
        case unavailable(reason: String, fix: String)
        case silent
    }

    package enum Firewall: String, Equatable, Sendable, CaseIterable {
        case ufw
        case firewalld
        /// macOS's own.
        case application
    }

    /// Another node, as the router knows it.
    package struct Neighbour: Equatable, Sendable {
        package var name: String
        /// ``Membership/Health`` in a word.
        package var state: String

        package init(name: String, state: String) {
            self.name = name
            self.state = state
        }
    }

    /// Who has a port that the stack needs.
    package struct Port: Equatable, Sendable {
        package var number: Int
        /// `router`, `llama-swap`, `cluster`.
        package var purpose: String
        /// As ``DaemonObservation/Port`` has it.
        package var holder: DaemonObservation.Port

        package init(_ number: Int, _ purpose: String, _ holder: DaemonObservation.Port) {
            self.number = number
            self.purpose = purpose
            self.holder = holder
        }
    }

    /// How a host stands in a cluster with keys.
    package struct Trust: Equatable, Sendable {
        package var isIssuer: Bool
        /// Of the cluster, as this host knows them.
        package var issuers: Int
        /// Days until this host's certificate runs out; negative where it has.
        package var daysLeft: Int
        /// Names and addresses of this host that its certificate may not have.
        package var leftOut: [String]
        /// Why an issuer lets this host in no more; nil where none says so.
        package var shutOut: String?

        package init(isIssuer: Bool, issuers: Int, daysLeft: Int, leftOut: [String]) {
            self.isIssuer = isIssuer
            self.issuers = issuers
            self.daysLeft = daysLeft
            self.leftOut = leftOut
        }
    }

    /// What a stack of this host's own needs.
    package struct Stack: Equatable, Sendable {
        /// Why models.ini cannot be read: what, and what to do.
        package var modelsProblem: String?
        /// Where llama-swap should be and is not.
        package var missingLlamaSwap: String?
        /// What is wrong with llama-server, and what to do.
        package var llamaServerProblem: Finding?
        package var memory: MemoryMath?

        package init() {}
    }

    package var cluster: ClusterIdentity?
    /// nil where there is no models.ini, or the project uses another host's router.
    package var stack: Stack?
    /// In words, what this project uses in place of a router of this host's own; nil where it does not.
    package var usedElsewhere: String?
    /// Why the cluster's file cannot be used: what, and what to do.
    package var clusterProblem: String?
    /// Of a host in a cluster with keys.
    package var trust: Trust?
    package var interfaces: [Interface] = []
    package var directory = Directory.silent
    package var firewalls: [Firewall] = []
    package var ports: [Port] = []
    /// Whether the system keeps its clock by a time server; nil where it does not say.
    package var clockIsKept: Bool?
    /// Whether the router can be reached past the cluster's listener.
    package var routerIsExposed = false
    /// Other nodes that the router knows, with their state; nil where no router runs.
    package var nodes: [Neighbour]?
    /// What this project's gateway says; nil where it has none, or it does not run.
    package var gateway: GatewayReport?
    package var isMac = false

    package init() {}
}

/// One thing that was looked at, and what it means.
package struct Finding: Equatable, Sendable, Encodable {
    package enum Verdict: String, Equatable, Sendable, Encodable {
        case ok
        /// It works, or may; but not as one would want.
        case warning
        case problem
    }

    package var subject: String
    package var verdict: Verdict
    package var detail: String
    /// What to do; nil where nothing need be done.
    package var fix: String?

    package init(_ subject: String, _ verdict: Verdict, _ detail: String, fix: String? = nil) {
        self.subject = subject
        self.verdict = verdict
        self.detail = detail
        self.fix = fix
    }
}

extension Symptoms {
    /// In the order in which one looks for a fault: from this host outwards.
    package var findings: [Finding] {
        [clusterFinding, certificate].compactMap { $0 } + (stack?.findings ?? []) + ports.map(portFinding)
            + [
                gatewayFinding, multicast, directoryFinding, firewall, clock, exposure, others, localNetwork,
            ].compactMap { $0 }
    }

    private var clusterFinding: Finding {
        if let parts = clusterProblem?.components(separatedBy: "\n  fix: ") {
            return Finding("cluster", .problem, parts[0], fix: parts.dropFirst().first)
        }
        if cluster == nil, let usedElsewhere {
            return Finding("cluster", .ok, "this host is in none; this project uses \(usedElsewhere)")
        }
        guard let cluster else {
            return Finding(
                "cluster", .ok, "this host is in none and serves itself alone",
                fix: "llmstack cluster init, or llmstack join, if that is not what you want")
        }
        if let reason = trust?.shutOut {
            return Finding(
                "cluster", .problem, "\(cluster.name) does not let this host in: \(reason)",
                fix: "llmstack cluster leave, then llmstack join TOKEN; cluster invite, on an issuer, prints one")
        }
        if let trust {
            let role = trust.isIssuer ? "this host is an issuer of \(cluster.name)" : "this host is in \(cluster.name)"
            return trust.isIssuer && trust.issuers < 2
                ? Finding(
                    "cluster", .warning, "\(role), and the only one: without it nobody is invited or renewed",
                    fix: "llmstack cluster invite --role issuer, for another node; or llmstack cluster backup FILE")
                : Finding("cluster", .ok, role)
        }
        return Finding(
            "cluster", .warning, "\(cluster.name) is open: whoever reaches this host uses its models",
            fix: "keep it to networks that you trust wholly")
    }

    /// Leaves are renewed ten days before they run out: with less left, no issuer has been within reach for a while.
    private var certificate: Finding? {
        guard let trust else { return nil }
        if trust.daysLeft < 0 {
            return Finding(
                "certificate", .problem, "it ran out \(-trust.daysLeft) days ago, so no other node takes this one",
                fix: "come within reach of an issuer: it is renewed by itself for 90 days, then llmstack join TOKEN")
        }
        if trust.daysLeft < 9 {
            return Finding(
                "certificate", .warning, "it runs out in \(trust.daysLeft) days, and no issuer has renewed it",
                fix: "start an issuer within reach; llmstack cluster keys lists them")
        }
        let fine = "good for \(trust.daysLeft) days"
        return trust.leftOut.isEmpty
            ? Finding("certificate", .ok, fine)
            : Finding(
                "certificate", .ok,
                "\(fine), without \(trust.leftOut.joined(separator: ", ")), which no authority of this cluster may certify",
                fix: "use this host's .local name or its address on the local network")
    }

    private func portFinding(_ port: Port) -> Finding {
        let subject = "port \(port.number)"
        switch port.holder {
        case .own: return Finding(subject, .ok, "this project's \(port.purpose) listens")
        case .free:
            return Finding(subject, .ok, "free; the \(port.purpose) does not run", fix: "llmstack start, if it should")
        case .stranger(let occupant):
            guard let project = occupant.project else {
                return Finding(
                    subject, .problem, "\(occupant) has it; the \(port.purpose) needs it",
                    fix: "end that program, or give it another port")
            }
            return Finding(subject, .ok, "the \(port.purpose) of \(project) listens")
        }
    }

    /// Of what leads to other hosts: one in no cluster can do without.
    private var severed: Finding.Verdict { cluster == nil && clusterProblem == nil ? .warning : .problem }

    private var multicast: Finding {
        let networks = interfaces.filter(\.isNetwork)
        guard !networks.isEmpty else {
            return Finding(
                "network", severed, "no interface leads to other machines",
                fix: "connect to a network; nodes on other subnets are named with llmstack nodes add HOST")
        }
        let list = networks.map { "\($0.name) (\($0.addresses.joined(separator: ", ")))" }.joined(separator: ", ")
        return Finding("network", .ok, list)
    }

    private var directoryFinding: Finding {
        switch directory {
        case .available: Finding("mdns", .ok, "the system's directory of services answers")
        case .unavailable(let reason, let fix):
            Finding("mdns", severed, reason, fix: "\(fix); meanwhile llmstack nodes add HOST works without it")
        case .silent:
            Finding(
                "mdns", severed, "the system's directory of services does not answer",
                fix: "see that avahi-daemon runs; meanwhile llmstack nodes add HOST works without it")
        }
    }

    private var firewall: Finding {
        let port = ports.first { $0.purpose == "cluster" }?.number ?? 10103
        guard let firewall = firewalls.first else {
            return Finding("firewall", .ok, "none that is known by name is on; others are not seen")
        }
        let fix =
            switch firewall {
            case .ufw: "sudo ufw allow 5353/udp && sudo ufw allow \(port)/tcp"
            case .firewalld:
                "sudo firewall-cmd --permanent --add-service=mdns --add-port=\(port)/tcp && sudo firewall-cmd --reload"
            case .application: "System Settings > Network > Firewall > Options: let llmstack take connections"
            }
        return Finding(
            "firewall", .warning, "\(firewall.rawValue) is on; mDNS (udp 5353) and port \(port) must be let through",
            fix: fix)
    }

    private var clock: Finding? {
        clockIsKept.map {
            $0
                ? Finding("clock", .ok, "kept by a time server")
                : Finding(
                    "clock", .warning, "no time server keeps it: what logs of several hosts say will not match",
                    fix: isMac ? "System Settings > General > Date & Time" : "sudo timedatectl set-ntp true")
        }
    }

    private var exposure: Finding? {
        guard routerIsExposed else { return nil }
        return Finding(
            "router", .warning, "ROUTER_HOST lets other machines past the cluster's listener",
            fix: "unset ROUTER_HOST, then llmstack restart")
    }

    private var others: Finding? {
        guard cluster != nil else { return nil }
        guard let nodes else {
            return Finding("nodes", .warning, "no router runs here, so nobody looks for them", fix: "llmstack start")
        }
        let troubled = nodes.filter { $0.state != "up" }
        if nodes.isEmpty {
            return Finding(
                "nodes", .warning, "no other node is seen",
                fix: "see llmstack doctor there too; guest Wi-Fi and VPNs often stop multicast: llmstack nodes add HOST"
            )
        }
        guard !troubled.isEmpty else {
            return Finding(
                "nodes", .ok, nodes.map(\.name).joined(separator: ", ") + (nodes.count == 1 ? " is up" : " are up"))
        }
        return Finding(
            "nodes", .warning, troubled.map { "\($0.name) is \($0.state)" }.joined(separator: ", "),
            fix: "llmstack nodes says why")
    }

    private var gatewayFinding: Finding? {
        guard let gateway else { return nil }
        let name = gateway.cluster.name.printable()
        if gateway.keyIsRefused {
            return Finding(
                "gateway", .problem, "this host's key for the cluster \(name) was revoked",
                fix: "ask for a new token, then llmstack install --external auto --token TOKEN")
        }
        guard let router = gateway.inUse else {
            return Finding(
                "gateway", .problem, "no router of the cluster \(name) answers",
                fix: "see that one runs (llmstack status, there), and that this host is on its network")
        }
        return Finding("gateway", .ok, "router \(router.name.printable()) of the cluster \(name)")
    }

    private var localNetwork: Finding? {
        guard isMac else { return nil }
        return Finding(
            "permission", .ok, "macOS asks once whether llmstack may use the local network; a refusal shows as silence",
            fix: "System Settings > Privacy & Security > Local Network, if no node is ever seen")
    }
}

extension Symptoms.Stack {
    fileprivate var findings: [Finding] {
        var findings: [Finding] = []
        if let parts = modelsProblem?.components(separatedBy: "\n  fix: ") {
            findings.append(Finding("models.ini", .problem, parts[0], fix: parts.dropFirst().first))
        }
        if let missingLlamaSwap {
            findings.append(
                Finding(
                    "llama-swap", .problem, "there is no program at \(missingLlamaSwap)",
                    fix: "llmstack install-llama-swap"))
        }
        if let llamaServerProblem { findings.append(llamaServerProblem) }
        return findings + (memory?.findings ?? [])
    }
}

extension MemoryMath {
    /// A line for each set that may not fit; else one for all.
    fileprivate var findings: [Finding] {
        let doubtful = rows.filter { $0.verdict != .fits }
        guard !rows.isEmpty, doubtful.isEmpty else {
            return doubtful.map { row in
                let fix =
                    switch row.verdict {
                    case .fitsWithLimit(let mebibytes):
                        "sudo sysctl iogpu.wired_limit_mb=\(mebibytes), until the next boot"
                    case .unknown: "give each tier its size_gb in models.ini"
                    case .fits, .tooBig: "name a smaller hf_file or ctx_size in models.ini; llmstack check has the sums"
                    }
                return Finding(
                    "memory", .warning,
                    "\(row.names): \(ByteCount.oneDecimal(row.totalGB)) GB, \(row.verdict.text); \(limit.description)",
                    fix: fix)
            }
        }
        return [Finding("memory", .ok, "what may be loaded together fits; \(limit.description)")]
    }
}

extension [Finding] {
    /// A line each, with what to do below it.
    package var text: String {
        let width = map(\.subject.count).max() ?? 0
        return map { finding in
            let mark = ["ok": "ok     ", "warning": "warning", "problem": "PROBLEM"][finding.verdict.rawValue] ?? ""
            let subject = finding.subject + String(repeating: " ", count: width - finding.subject.count)
            let line = "\(mark)  \(subject)  \(finding.detail)"
            return line + (finding.fix.map { "\n         \(String(repeating: " ", count: width))  fix: \($0)" } ?? "")
        }.joined(separator: "\n")
    }
}
