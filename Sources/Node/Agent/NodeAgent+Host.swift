import Cluster

extension NodeAgent {
    /// Between two looks at the weights: a few directory listings and stat calls.
    private static let weightsPause = Duration.seconds(5)
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
            update {
                $0.saw(weights: weights, at: now)
                $0.tick(at: now)
            }
            // A llama-server that did not answer is asked again.
            if !unaskedTiers.isEmpty { wantSlots.yield() }
            try? await Task.sleep(for: Self.weightsPause)
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
