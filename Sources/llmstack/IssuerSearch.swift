import Cluster
import Discovery
import Foundation
import Logging
import Node
import Trust
import Wire

/// Finds an issuer of a token's cluster, and joins there.
struct IssuerSearch {
    private let token: JoinToken
    private let request: JoinRequest
    private let context: ClusterContext

    /// For nodes to be found, and for one more to answer.
    private static let patience = Duration.seconds(4)

    init(_ token: JoinToken, _ request: JoinRequest, _ context: ClusterContext) {
        self.token = token
        self.request = request
        self.context = context
    }

    /// - Parameter place: the only one to ask; nil looks around.
    /// - Returns: what the issuer gave, and where it was.
    /// - Throws: ``StackFailure`` that says which places were asked, and what they said.
    func run(at place: Place?) async throws -> (JoinReply, Place) {
        if let place {
            do { return (try await Enrolment(token).ask(place, request), place) } catch {
                throw Self.failure(error, [Self.line(place, error)], isNamed: true)
            }
        }
        return try await search()
    }

    private func search() async throws -> (JoinReply, Place) {
        let directory = SystemDirectory.make(
            environment: context.environment, log: Logger(label: "llmstack.discovery") { _ in SwiftLogNoOpLogHandler() }
        )
        defer { directory.close() }
        let timer = Task {
            try await Task.sleep(for: Self.patience)
            directory.close()
        }
        defer { timer.cancel() }
        var asked: [String] = []
        var isIssuerMissing = false
        for await event in directory.browse(Advertisement.serviceType) {
            switch event {
            case .found(let service):
                guard case .known(let advertisement) = Advertisement.read(service.text), advertisement.security == .keys
                else { continue }
                for address in service.addresses {
                    let place = Place(host: address.text, port: service.port)
                    do { return (try await Enrolment(token).ask(place, request), place) } catch {
                        asked.append(Self.line(place, error))
                        if case .refused = error { throw Self.failure(error, [], isNamed: false) }
                        if case .tooOften = error { throw Self.failure(error, [], isNamed: false) }
                        if error == .notIssuer {
                            isIssuerMissing = true
                            break
                        }
                    }
                }
            case .unavailable(let reason, let fix):
                throw StackFailure(
                    "nodes cannot be looked for: \(reason)", advice: "fix: \(fix); or name a node: --at HOST")
            default: break
            }
        }
        if isIssuerMissing { throw Self.failure(.notIssuer, asked, isNamed: false) }
        throw StackFailure(
            asked.isEmpty
                ? "no node of a cluster with keys was found on the local network"
                : "no node of the token's cluster was found on the local network", evidence: asked,
            advice: "fix: see that the inviting host's stack runs (llmstack status, there), or name it: --at HOST")
    }

    private static func line(_ place: Place, _ failure: Enrolment.Failure) -> String {
        "\(ClusterPort.text(place)): \("\(failure)".split(separator: "\n").first ?? "")"
    }

    private static func failure(_ failure: Enrolment.Failure, _ asked: [String], isNamed: Bool) -> StackFailure {
        switch failure {
        case .refused(let reason):
            StackFailure(
                "the cluster does not let this host in: \(reason)", advice: "next: llmstack cluster invite, there")
        case .tooOften(let reason): .askedTooOften(reason)
        case .notIssuer:
            StackFailure(
                "no node that holds the cluster's authority answers", evidence: asked,
                advice: "fix: start the host that made the token, and see that it is reached")
        case .unproven(let reason):
            StackFailure(
                "the token was not told to anybody: \(reason)",
                advice: isNamed
                    ? "fix: name a node of the token's cluster: --at HOST[:\(ClusterPort.standard)]"
                    : "fix: llmstack join --at HOST")
        }
    }
}

extension StackFailure {
    /// - Parameter reason: of the cluster, with how long to wait.
    static func askedTooOften(_ reason: String) -> StackFailure {
        StackFailure(
            "the cluster does not let this host in yet: \(reason)",
            advice: "fix: wait, then use the same token: this try did not use it up")
    }
}
