namespace Ard.Trainers.Tests.Objectives;

public sealed class PeerAidTests
{
    private static readonly PeerAidOptions Every = new PeerAidOptions() with
    {
        LabelWeight = 0.3,
        Distillation = new() { Temperature = 5, Weight = 2 },
        Consistency = new() { Temperature = 3, Weight = 0.7 },
        PeerLabelWeight = 0.9,
        PeerDistillation = new() { Temperature = 2, Weight = 0.4 },
    };

    /// <summary>
    /// The order of the released code: the peer asked in eval mode for the attack, then two losses of two networks with a pass of its own
    /// for each term and an optimizer for each network.
    /// </summary>
    [Fact]
    public void Two_iterations_equal_two_networks_with_an_optimizer_each()
    {
        using var scope = NewDisposeScope();
        var (student, peer) = (Small.Network(1), Small.Network(2));
        var (studentByHand, peerByHand) = (Small.Network(1), Small.Network(2));
        using var optimizer = optim.SGD(student.parameters().Concat(peer.parameters()), 0.1, momentum: 0.9, weight_decay: 2e-4);
        using var ofStudent = optim.SGD(studentByHand.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
        using var ofPeer = optim.SGD(peerByHand.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
        var objective = new PeerAid(Every);
        var images = Small.Images(6, 3);
        var labels = Small.Labels(6);
        for (ulong i = 1; i <= 2; i++)
        {
            var noise = (Small.Images(6, 10 + i) - 0.5) / 500;
            var batch = Small.Batch(student, images, labels, noise: noise, peer: peer);
            var loss = objective.Loss(batch);
            optimizer.zero_grad();
            loss.backward();
            optimizer.step();

            peerByHand.eval();
            var target = peerByHand.call(images).detach();
            peerByHand.train();
            studentByHand.eval();
            var points = Pgd.Maximise(
                x => Divergence(studentByHand.call(x), target, 1).sum(), images, images + noise, ThreatModel.Cifar10, 2 / 255.0, 10);
            studentByHand.train();
            var peerOutput = peerByHand.call(points);
            var peerLoss = functional.cross_entropy(peerOutput, labels) * 0.9
                + Divergence(peerOutput, studentByHand.call(points), 2).mean() * (0.4 * 4);
            var again = studentByHand.call(points);
            var studentLoss = functional.cross_entropy(again, labels) * 0.3
                + Divergence(again, peerOutput.detach(), 5).mean() * (2 * 25)
                + Divergence(again, studentByHand.call(images), 3).mean() * (0.7 * 9);
            ofStudent.zero_grad();
            ofPeer.zero_grad();
            (peerLoss + studentLoss).backward();
            ofStudent.step();
            ofPeer.step();

            Compare.Close(peerLoss + studentLoss, loss, 1e-12, $"loss {i}");
            Compare.Close(points, batch.Adversarial!, 1e-12, $"points {i}");
            Assert.True(student.training && peer.training);
        }
        foreach (var (ours, theirs) in new[] { (student, studentByHand), (peer, peerByHand) })
        {
            var expected = theirs.state_dict();
            foreach (var (name, value) in ours.state_dict()) Compare.Close(expected[name], value, 1e-10, name);
        }

        // q (log q - log p) by element, q the target.
        static Tensor Divergence(Tensor prediction, Tensor target, double temperature)
        {
            var q = (target / temperature).softmax(1);
            return q * (q.log() - (prediction / temperature).softmax(1).log());
        }
    }

    [Fact]
    public void Gradients_of_both_networks_are_those_of_finite_differences()
    {
        using var scope = NewDisposeScope();
        var (student, peer) = (Small.Network(1), Small.Network(2));
        var (images, points) = (Small.Images(4, 2), Small.Images(4, 3));
        // Without the student's term that takes the peer as given: its gradient is not that of the number.
        var objective = new PeerAid(Every with { Distillation = Every.Distillation with { Weight = 0 } });
        Tensor Loss()
        {
            var batch = Small.Batch(student, images, peer: peer);
            batch.Adversarial = points;
            return objective.Loss(batch);
        }
        double Value()
        {
            using var inner = NewDisposeScope();
            return Loss().item<double>();
        }
        Loss().backward();
        foreach (var network in new[] { student, peer })
        {
            var gradients = network.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!.clone());
            foreach (var (name, parameter) in network.named_parameters()) Gradients.Check(Value, parameter, gradients[name], name);
        }
    }

    [Fact]
    public void The_student_s_distillation_leaves_the_peer_alone()
    {
        using var scope = NewDisposeScope();
        var (student, peer) = (Small.Network(1), Small.Network(2));
        var batch = Small.Batch(student, Small.Images(4, 2), peer: peer);
        batch.Adversarial = Small.Images(4, 3);
        new PeerAid(new() { PeerLabelWeight = 0, PeerDistillation = new() { Weight = 0 } }).Loss(batch).backward();
        Assert.All(peer.parameters(), parameter => Assert.True(parameter.grad is null || parameter.grad.eq(0).all().item<bool>()));
        Assert.Contains(student.parameters(), parameter => parameter.grad!.ne(0).any().item<bool>());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_killed_and_resumed_training_carries_the_peer_on(int afterReports) =>
        Small.SurvivesAKill(ObjectiveCatalog.ByName("peeraid", new() { Steps = 1 }), afterReports);

    [Fact]
    public void The_loop_trains_the_peer_and_asks_for_one()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(20, seed: 1);
        using var student = Small.GlyphNetwork(1);
        using var peer = Small.GlyphNetwork(2);
        var objective = ObjectiveCatalog.ByName("peeraid", new() { Steps = 1 });
        string Fault(Module<Tensor, Tensor>? other) => Assert.Throws<ArgumentException>(
            () => Trainer.Fit(new(student, Peer: other), objective, data, Small.Options)).Message;
        Assert.Contains("Peer is missing, the objective peeraid trains one", Fault(null), StringComparison.Ordinal);
        Assert.Contains("Peer is the Student too", Fault(student), StringComparison.Ordinal);

        var guided = new Igdm(objective);
        Assert.Contains("Peer is the Teacher too", Assert.Throws<ArgumentException>(
            () => Trainer.Fit(new(student, peer, Peer: peer), guided, data, Small.Options)).Message, StringComparison.Ordinal);

        var before = peer.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        Trainer.Fit(new(student, Peer: peer), objective, data, Small.Options with { ClipGradientNorm = 1 });
        Assert.False(peer.training);
        Assert.All(peer.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.All(peer.state_dict(), pair => Assert.False(pair.Value.equal(before[pair.Key]).all().item<bool>(), pair.Key));
    }

    [Fact]
    public void Weights_are_not_perturbed_where_two_networks_are_trained() =>
        Assert.Contains("peeraid trains a peer beside the student",
            Assert.Throws<ArgumentException>(() => ObjectiveCatalog.ByName("peeraid+awp")).Message, StringComparison.Ordinal);

    [Fact]
    public void Without_a_peer_in_the_batch_the_loss_says_so()
    {
        using var scope = NewDisposeScope();
        var batch = Small.Batch(Small.Network(1), Small.Images(4, 2));
        var fault = Assert.Throws<InvalidOperationException>(() => new PeerAid().Loss(batch));
        Assert.Contains("needs a peer", fault.Message, StringComparison.Ordinal);
    }
}
