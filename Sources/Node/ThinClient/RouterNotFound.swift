import Cluster

/// No router could be chosen: why, what was seen, and what to do.
package struct RouterNotFound: Error, Equatable, CustomStringConvertible {
    /// 1, or 2 where only the choice is missing.
    package let exitCode: Int32
    /// What is wrong in one line, what was seen, and what to do in the last line.
    package let description: String

    /// Where was looked, in a line or two.
    package private(set) var searched: [String] = []

    private init(_ problem: String, _ seen: [String] = [], advice: String, exitCode: Int32 = 1) {
        self.exitCode = exitCode
        description = ([problem] + seen.map { "  \($0)" } + ["  \(advice)"]).joined(separator: "\n")
    }

    private static let byHost = "llmstack install --external http://HOST:\(PinnedRouter.clusterPort)"

    /// nil when there is a router to use, or somebody to ask.
    package init?(_ choice: RouterChoice, wanted: RouterChoice.Wanted, findings: RouterFindings) {
        switch choice {
        case .use, .ask: return nil
        case .nothing: self.init(nothingIn: findings)
        case .list(let clusters): self = Self.list(clusters, wanted)
        case .unusable(let routers): self = Self.unusable(routers)
        case .unknown(let routers): self = Self.unknown(routers, wanted, findings)
        }
        searched = findings.unavailable.map { ["\($0.reason)"] } ?? Self.searched(findings)
    }

    /// Nothing at all.
    package init(nothingIn findings: RouterFindings) {
        self = findings.unavailable.map(Self.unavailable) ?? Self.nothing(findings)
    }

    private static func unavailable(_ directory: RouterSearchState.Unavailability) -> Self {
        Self(
            "routers cannot be looked for: \(directory.reason)", ["or name the host: \(byHost)"],
            advice: "fix: \(directory.fix)")
    }

    private static func nothing(_ findings: RouterFindings) -> Self {
        Self(
            "no router was found on the local network",
            searched(findings) + [
                "what often is in the way:",
                "- no host here has a cluster: on the router's host run llmstack cluster init and llmstack start",
                "- a guest network or an access point that keeps its clients apart, or a VPN",
                "- a firewall that drops UDP port 5353 (multicast DNS), here or there",
                "- on a router's host with Linux: Avahi does not run (package avahi-daemon; avahi on Fedora and Arch)",
            ], advice: "fix: mend that, or name the host: \(byHost)")
    }

    /// `searched eth0 (10.0.0.7) and wlan0 (192.168.1.5) for 3 s`
    package static func searched(_ findings: RouterFindings) -> [String] {
        let seconds = max(1, Int((findings.elapsed / .seconds(1)).rounded()))
        func shown(_ interface: SearchedInterface) -> String {
            "\(interface.name) (\(interface.addresses.joined(separator: ", ")))"
        }
        let searched = findings.interfaces.filter { !$0.isTunnel && !$0.addresses.isEmpty }.map(shown)
        let tunnels = findings.interfaces.filter(\.isTunnel).map(\.name)
        let first =
            searched.isEmpty
            ? "this host is on no network that could be searched"
            : "searched for \(seconds) s: \(searched.joined(separator: ", "))"
        return [first]
            + (tunnels.isEmpty ? [] : ["not searched: \(tunnels.joined(separator: ", ")) (multicast passes no tunnel)"])
    }

    private static func list(_ clusters: [[RouterCandidate]], _ wanted: RouterChoice.Wanted) -> Self {
        let names = clusters.compactMap { $0.first?.clusterName }
        let isUnique = Set(names.map { $0.lowercased() }).count == names.count
        // Two clusters of one name can be told apart by their ids only.
        let choices = isUnique ? names : clusters.compactMap { $0.first?.cluster?.description }
        let ids = isUnique ? [] : zip(names, choices).map { "\($0) has the id \($1)" }
        let what =
            if case .name(let name) = wanted { "\(name) is in \(clusters.count) clusters" } else {
                "there are \(clusters.count) clusters here"
            }
        return Self(
            "\(what), and there is no terminal to ask which", RouterTable.lines(clusters.flatMap { $0 }) + ids,
            advice: "fix: name one: " + choices.map { "llmstack install --external \($0)" }.joined(separator: ", or "),
            exitCode: 2)
    }

    private static func unusable(_ routers: [RouterCandidate]) -> Self {
        let table = RouterTable.lines(routers)
        let impostors = routers.compactMap { router -> String? in
            guard case .impostor(let place, let reason) = router.state else { return nil }
            return "the router at \(place) claims to be of \(router.clusterName) and cannot show it: \(reason)"
        }
        if let first = impostors.first {
            return Self(
                first, impostors.dropFirst() + table,
                advice: "fix: see who answers there before anything is sent to it; if the cluster was made anew, "
                    + "ask for a token: llmstack cluster invite --role client, on a host that holds its authority")
        }
        guard routers.contains(where: { $0.state == .silent }) else {
            return Self("what was found here is newer than this llmstack", table, advice: "fix: update llmstack here")
        }
        return Self(
            routers.count == 1
                ? "a router is announced, but does not answer" : "routers are announced, but none answers",
            table,
            advice:
                "fix: see that llmstack runs there, and that no firewall keeps TCP port \(PinnedRouter.clusterPort) "
                + "shut; or name the host: \(byHost)")
    }

    private static func unknown(
        _ routers: [RouterCandidate], _ wanted: RouterChoice.Wanted, _ findings: RouterFindings
    ) -> Self {
        let names = Set(routers.filter(\.isLive).map(\.clusterName)).sorted()
        let others = names.count > 1 ? " (or \(names.dropFirst().joined(separator: ", ")))" : ""
        let table = RouterTable.lines(routers)
        let example = names.first.map { "llmstack install --external \($0)\(others)" }
        switch wanted {
        case .any:
            return nothing(findings)
        case .name(let name):
            return Self(
                "no cluster and no router here is called \(name)", table + searched(findings),
                advice: "fix: "
                    + (example.map { "name one of those: \($0); " } ?? "")
                    + "if \(name) is a host: llmstack install --external http://\(name):\(PinnedRouter.clusterPort)")
        case .authority:
            return Self(
                "no router here is of the cluster that the token is for", table + searched(findings),
                advice: "fix: see that the inviting host's stack runs, or name it: "
                    + "llmstack install --external https://HOST:\(PinnedRouter.clusterPort) --token TOKEN")
        case .cluster(let cluster, _):
            return Self(
                "no router here is of the cluster \(cluster.name), which this project uses", table + searched(findings),
                advice: "fix: start one"
                    + (example.map { ", or change to another: \($0)" } ?? ", or name the host: \(byHost)"))
        }
    }
}
