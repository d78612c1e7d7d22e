import Cluster
import Wire

extension NodeAgent {
    /// Between two looks at the weights: a few directory listings and stat calls.
    private static let weightsPause = Duration.seconds(5)
    /// Between two looks at who has waited too long, and how far a load is.
    private static let tickPause = Duration.seconds(1)
    /// Between two looks at the power supplies.
    private static let powerPause = Duration.seconds(30)

    /// Examines the machine once, then looks at the weights from time to time.
    func watchWeights() async {
        let machine = await MachineFacts.examine(environment: environment, sysRoot: sysRoot)
        update { $0.saw(machine: machine.description) }
        var survey = WeightsSurvey(environment: environment, limit: machine.limit)
        while !Task.isCancelled {
            let (catalog, usesNext) = catalog
            let weights = survey.look(catalog, usesNext: usesNext)
            let now = now
            update { $0.saw(weights: weights, at: now) }
            // A llama-server that did not answer is asked again.
            if !unaskedTiers.isEmpty { wantSlots.yield() }
            try? await Task.sleep(for: Self.weightsPause)
        }
    }

    /// Lets the state know that time passes.
    func tick() async {
        while !Task.isCancelled {
            let now = now
            update { $0.tick(at: now) }
            askForVerdicts()
            try? await Task.sleep(for: Self.tickPause)
        }
    }

    /// Whether the hosted tiers can be asked: mostly known, and looked into elsewhere where it is not.
    private func askForVerdicts() {
        guard let hosted else { return }
        for tier in catalog.0.hostedTiers {
            hosted.verdict(on: tier) { [weak self] verdict in self?.update { $0.saw(verdict, of: tier.name) } }
        }
    }

    func watchPower() async {
        while !Task.isCancelled {
            let power = await PowerSupply.now(environment: environment, sysRoot: sysRoot)
            update { $0.saw(power: power) }
            try? await Task.sleep(for: Self.powerPause)
        }
    }
}
