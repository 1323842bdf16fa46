namespace Ard.Trainers.Objectives;

/// <summary>The settings of <see cref="PeerAid"/>, as released for CIFAR-10; the attack flees from the peer's clean prediction.</summary>
public sealed record PeerAidOptions() : AdversarialOptions(InnerMaximisation.Adaptive with { Loss = InnerLoss.DivergenceFromPeerOnClean })
{
    /// <summary>lambda1, the weight of the student's cross-entropy with the labels. Default 0.</summary>
    [Range(0, double.MaxValue)]
    public double LabelWeight { get; init; }

    /// <summary>What draws the student to the peer on adversarial images, of weight lambda2. Default temperature 5, weight 1.</summary>
    public DistillationTerm Distillation { get; init; } = new() { Temperature = 5 };

    /// <summary>What draws the student's adversarial to its clean prediction, of weight lambda3. Default temperature 5, weight 1.</summary>
    public DistillationTerm Consistency { get; init; } = new() { Temperature = 5 };

    /// <summary>gamma1, the weight of the peer's cross-entropy with the labels. Default 1.</summary>
    [Range(0, double.MaxValue)]
    public double PeerLabelWeight { get; init; } = 1;

    /// <summary>What draws the peer to the student. Default temperature 1, weight gamma2 = 0.1; released with 1 for 100 classes.</summary>
    public DistillationTerm PeerDistillation { get; init; } = new() { Temperature = 1, Weight = 0.1 };
}

/// <summary>
/// PeerAiD (Jung, Jang, Song and Lee, CVPR 2024): in place of a teacher that was trained before, a peer learns beside the student to stand
/// the student's own adversarial images x', and the student learns from it:
/// lambda1 CE(S(x'), y) + lambda2 t² KL(S_t(x') ‖ P_t(x')) + lambda3 t² KL(S_t(x') ‖ S_t(x)) for the student and
/// gamma1 CE(P(x'), y) + gamma2 KL(P(x') ‖ S(x')) for the peer P. One step trains both by the sum of the two, with the same optimizer.
/// </summary>
/// <remarks>
/// As in the released code the student's loss takes the peer's prediction as given, the peer's the student's with its gradient. There the
/// student sees x' twice in train mode, then x; the second time only moves the running statistics here.
/// </remarks>
internal sealed class PeerAid(PeerAidOptions? options = null) : AdversarialObjective<PeerAidOptions>(options)
{
    public override string Name => "peeraid";
    public override bool NeedsPeer => true;

    public override Tensor Loss(TrainingBatch batch)
    {
        var adversarial = Options.Inner.Maximise(batch);
        var peer = batch.CallPeer(adversarial);
        var attacked = batch.Report(batch.Student.call(adversarial));
        batch.MoveStatistics(adversarial);
        var clean = batch.Student.call(batch.Images);

        var ofPeer = batch.CrossEntropy(peer).Times(Options.PeerLabelWeight).Plus(Options.PeerDistillation.Loss(peer, attacked));
        var ofStudent = batch.CrossEntropy(attacked).Times(Options.LabelWeight)
            .Plus(Options.Distillation.Loss(attacked, peer.detach()))
            .Plus(Options.Consistency.Loss(attacked, clean));
        return ofPeer.Plus(ofStudent);
    }
}
