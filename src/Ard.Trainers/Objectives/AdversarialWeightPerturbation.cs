namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="AdversarialWeightPerturbation"/>, by default those released for adversarial training.</summary>
internal sealed record AdversarialWeightPerturbationOptions
{
    [Range(0, double.MaxValue)]
    public double Gamma { get; init; } = 0.01;

    [Range(0, int.MaxValue)]
    public int WarmUpEpochs { get; init; }

    /// <summary>Those released for the host: TRADES is perturbed from the tenth epoch on.</summary>
    public static AdversarialWeightPerturbationOptions For(Objective host) =>
        ((host as Igdm)?.Host ?? host) is Trades ? new() { Gamma = 0.005, WarmUpEpochs = 9 } : new();
}

/// <summary>
/// Adversarial weight perturbation (Wu, Xia and Wang, NeurIPS 2020) around another method, the host: its loss is taken, and its gradient,
/// at the weights w + gamma |w| g/|g| layer by layer, where g is the gradient of the host's loss at w on the same adversarial images; then
/// the weights are put back, and the optimizer steps from w. As in the released code only weights of two or more dimensions are moved, that
/// is no biases and nothing of batch normalisation. The host's attack runs once a batch. The passes that find g do not count in batch
/// normalisation's running statistics. One forward and one backward pass more than the host; memory for a copy of the weights.
/// </summary>
/// <remarks>
/// The host's loss is asked for twice a batch, so a host that remembers something from batch to batch has to do so after backward. A host
/// that sends the batch through the student in train mode before its attack moves the running statistics by that pass twice.
/// </remarks>
internal sealed class AdversarialWeightPerturbation : HostedObjective<AdversarialWeightPerturbationOptions>
{
    /// <exception cref="ArgumentException">A setting is wrong, or the host perturbs weights itself, or trains a peer.</exception>
    public AdversarialWeightPerturbation(Objective host, AdversarialWeightPerturbationOptions? options = null)
        : base(host ?? throw new ArgumentNullException(nameof(host)), options ?? AdversarialWeightPerturbationOptions.For(host))
    {
        if (host.NeedsPeer)
            throw new ArgumentException(
                $"{host.Name} trains a peer beside the student, expected a method that trains the student alone.", nameof(host));
        if (host.PerturbsWeights) throw new ArgumentException($"{host.Name} perturbs the weights already.", nameof(host));
    }

    public override string Name => $"{Host.Name}+awp";
    internal override bool PerturbsWeights => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        try
        {
            if (Options.Gamma > 0 && batch.Epoch >= Options.WarmUpEpochs) Perturb(batch);
            return Host.Loss(batch);
        }
        catch
        {
            batch.Perturbed.Dispose();
            throw;
        }
    }

    // Before the optimizer's step, so that weight decay is of the weights themselves; the release puts them back after it, and decays with
    // them what was added, a hundredth of them at most.
    public override void AfterBackward(TrainingBatch batch)
    {
        batch.Perturbed.Dispose();
        base.AfterBackward(batch);
    }

    private void Perturb(TrainingBatch batch)
    {
        // A scope of its own, so that the first pass's activations are gone before the second makes its own.
        using var scope = NewDisposeScope();
        var parameters = batch.Student.parameters().Where(parameter => parameter.requires_grad).ToArray();
        var gradients = parameters.Select(parameter => parameter.grad).ToArray();
        foreach (var parameter in parameters) parameter.grad = null;
        try
        {
            using (var statistics = BufferState.Capture(batch.Student))
            {
                // What the attack does to the running statistics stays.
                batch.Attacked = statistics.Update;
                Host.Loss(batch).backward();
                if (batch.Share is { } share) batch.Gradients?.Average(share);
            }

            using var noGrad = no_grad();
            foreach (var parameter in parameters)
            {
                if (parameter.dim() >= 2 && parameter.grad is { } ascent)
                    batch.Perturbed.Move(parameter, ascent * (parameter.norm() / ascent.norm().Plus(1e-20)).Times(Options.Gamma));
            }
        }
        finally
        {
            batch.Attacked = null;
            foreach (var (parameter, before) in parameters.Zip(gradients)) parameter.grad = before;
        }
        batch.MoveToOuter(scope);
    }
}

/// <summary>Weights that a method has moved for its loss, to be put back after backward, and where anything fails.</summary>
internal sealed class PerturbedWeights : IDisposable
{
    private readonly List<(Tensor Weight, Tensor Values)> moved = [];

    /// <summary>Adds to a weight. Its values so far are kept in the dispose scope around the present one.</summary>
    public void Move(Tensor weight, Tensor difference)
    {
        moved.Add((weight, weight.detach().clone().MoveToOuterDisposeScope()));
        weight.Add_(difference);
    }

    public void Dispose()
    {
        using var noGradient = no_grad();
        foreach (var (weight, values) in moved) weight.copy_(values);
        moved.Clear();
    }
}
