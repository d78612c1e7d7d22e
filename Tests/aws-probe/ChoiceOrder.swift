import Foundation
import Logging
import Node
import Synchronization

/// One question: with this environment, whose credentials does a tier get?
struct ChoiceOrder: Decodable {
    var env: [String: String]
    /// The tier's; nil for none.
    var profile: String?
    /// The tier's; nil for none.
    var region: String?
    /// Orders with the same name share one store; nil: a store of its own.
    var store: String?
    /// Seconds by which the store's clock is put forward first.
    var advance: Double?
    /// What is known is given up first.
    var invalidate: Bool?
    /// Also asks STS whose they are.
    var identity: Bool?
}

/// Answers orders, each with a store that lives on.
final class Chooser {
    /// A store whose clock can be put forward.
    private final class Shop: Sendable {
        let clock = Clock()
        let surroundings: AWSSurroundings
        let store: CredentialStore

        init(_ environment: [String: String]) {
            var surroundings = AWSSurroundings.host(environment: environment)
            let clock = clock
            surroundings.now = { clock.now }
            self.surroundings = surroundings
            store = CredentialStore(surroundings, log: Logger(label: "aws-probe"))
        }
    }

    private final class Clock: Sendable {
        private let ahead = Mutex(0.0)

        var now: Date { Date().addingTimeInterval(ahead.withLock { $0 }) }

        func advance(_ seconds: Double) { ahead.withLock { $0 += seconds } }
    }

    private var shops: [String: Shop] = [:]

    func answer(_ order: ChoiceOrder) async -> [String: Any] {
        let shop = order.store.flatMap { shops[$0] } ?? Shop(order.env)
        if let name = order.store { shops[name] = shop }
        if let seconds = order.advance { shop.clock.advance(seconds) }
        if order.invalidate == true { await shop.store.invalidate(profile: order.profile) }
        do {
            // The caller's rule: tier, AWS_REGION, AWS_DEFAULT_REGION, profile.
            let variables = ["AWS_REGION", "AWS_DEFAULT_REGION"].lazy.compactMap { order.env[$0] }
            var region = order.region ?? variables.first { !$0.isEmpty }
            if region == nil { region = try shop.store.region(profile: order.profile) }
            let credentials = try await shop.store.credentials(profile: order.profile, region: region)
            let endpoint = try shop.store.endpoint(.bedrockRuntime, profile: order.profile, region: region)
            var answer: [String: Any] = ["access_key": credentials.accessKey, "token": credentials.sessionToken != nil]
            answer["region"] = region
            answer["endpoint"] = endpoint?.url
            answer["expires"] = credentials.expiration?.timeIntervalSince1970
            if order.identity == true {
                let identity = try await CallerIdentity.ask(
                    credentials, profile: order.profile, region: region, surroundings: shop.surroundings)
                answer["arn"] = identity.arn
                answer["account"] = identity.account
            }
            return answer
        } catch {
            return ["error": error.description, "error_type": error.errorType, "tried": error.tried]
        }
    }
}
