namespace Ard.Trainers.Tests.Attacks;

public sealed class AttackTests
{
    private static readonly ThreatModel Threat = ThreatModel.Linf(0.1);

    [Fact]
    public void Every_fault_of_the_input_is_named_in_one_message()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        var images = full([2, 4], 1.5, dtype: ScalarType.Float64);
        var message = Assert.Throws<ArgumentException>(
            () => new Fgsm().Perturb(network, images, tensor(new[] { 0, 1, -1 }), Threat, new PointNoise(0, [1]))).Message;
        Assert.Contains("fgsm: ", message);
        Assert.Contains("image 0 has the value 1.5, expected [0,1]", message);
        Assert.Contains("labels are Int32, expected Int64", message);
        Assert.Contains("labels have shape [3], expected [N] with the N of the images [2,4]", message);
        Assert.Contains("the noise serves 1 points, expected 2", message);
        Assert.Contains("the network is Float32, expected Float64", message);
    }

    [Fact]
    public void Images_of_another_type_or_rank_or_with_NaN_are_refused()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        Assert.Contains("images are Byte, expected Float32 or Float64", Refused(zeros([1, 4], dtype: ScalarType.Byte), Label(0)));
        Assert.Contains("images have shape [1], expected [N,...]", Refused(zeros([1]), Label(0)));
        Assert.Contains("image 0 has the value NaN", Refused(full([1, 4], double.NaN), Label(0)));
        Assert.Contains("labels have the value -1, expected 0 or more", Refused(zeros([1, 4]), Label(-1)));

        string Refused(Tensor images, Tensor labels) =>
            Assert.Throws<ArgumentException>(() => new Fgsm().Perturb(network, images, labels, Threat)).Message;
    }

    [Fact]
    public void A_label_that_the_network_has_no_class_for_is_named()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        Assert.Contains("3 classes, expected more than 3", Failed(network, Label(3)));
    }

    [Fact]
    public void Logits_that_are_not_finite_or_not_of_one_row_a_point_are_an_error()
    {
        Assert.Contains("not finite", Failed(new FunctionNetwork(x => x.flatten(1) * double.NaN), Label(0)));
        Assert.Contains("not finite", Failed(new FunctionNetwork(x => x.flatten(1) / 0), Label(0)));
        Assert.Contains("not finite", Failed(new FunctionNetwork(x => x.flatten(1) * double.NaN), Label(0), new Apgd()));
        Assert.Contains("shape [4], expected [1,classes]", Failed(new FunctionNetwork(x => x.flatten()), Label(0)));
    }

    [Fact]
    public void An_attack_that_breaks_the_threat_model_is_caught()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        Assert.Matches(@"cheat moved point 0 by 0\.(2|1999)", Failed(network, Label(0), new Cheat(x => x + 0.2)));
        Assert.Contains("cheat returned values from -", Failed(network, Label(0), new Cheat(x => x - 0.6)));
        Assert.Contains("cheat returned Float64", Failed(network, Label(0), new Cheat(x => x.to(ScalarType.Float64))));
    }

    [Fact]
    public void A_norm_that_the_attack_cannot_do_is_refused_by_name()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        var message = Assert.Throws<ArgumentException>(
            () => new Fgsm().Perturb(network, full([1, 4], 0.5), Label(0), ThreatModel.L1(1))).Message;
        Assert.Contains("fgsm: the norm is L1, expected Linf or L2", message);
    }

    [Fact]
    public void What_a_network_or_an_attack_moves_is_put_back()
    {
        using var scope = NewDisposeScope();
        var network = TinyBatchNormNetwork.Create();
        network.train();
        var before = network.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        var images = full([2, 3, 8, 8], 0.5);
        // An attack without manners: train mode, a backward pass through the parameters.
        var cheat = new Cheat(x => x, model =>
        {
            network.train();
            model(images);
            network.eval();
        });
        cheat.Perturb(network, images, tensor(new[] { 0L, 1 }), Threat);
        Assert.True(network.training);
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad && parameter.grad is null));
        foreach (var (name, value) in network.state_dict()) Compare.Same(before[name], value, name);
    }

    [Fact]
    public void After_an_error_the_network_is_as_before()
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        network.train();
        Failed(network, Label(3));
        Assert.True(network.training);
        Assert.All(network.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void An_empty_batch_works(string name)
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        var points = AttackCatalog.ByName(name).Perturb(network, zeros([0, 1, 2, 2]), zeros([0], dtype: ScalarType.Int64), Threat);
        Assert.Equal([0, 1, 2, 2], points.shape);
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public void An_attack_works_where_gradients_are_switched_off_and_leaks_no_tensor(string name)
    {
        using var network = LinearNetwork.Random(4, 3, seed: 1);
        using var noGrad = no_grad();
        var (images, labels) = (full([3, 4], 0.5), tensor(new[] { 0L, 1, 2 }));
        AttackCatalog.ByName(name).Perturb(network, images, labels, Threat).Dispose();
        using var scope = NewDisposeScope();
        using var points = AttackCatalog.ByName(name).Perturb(network, images, labels, Threat);
        Assert.Equal(1, scope.DisposablesCount);
        Assert.False(points.eq(images).all().item<bool>());
    }

    public static TheoryData<string> Attacks =>
        ["fgsm", "pgd-3", "pgd-2x2", "pgd-2x2-least", "cw-3", "mi-fgsm-3", "apgd-ce-9", "apgd-dlr-3x2"];

    private static Tensor Label(long label) => tensor(new[] { label });

    private static string Failed(Module<Tensor, Tensor> network, Tensor labels, Attack? attack = null) =>
        Assert.Throws<InvalidOperationException>(() => (attack ?? new Fgsm()).Perturb(network, full([1, 4], 0.5), labels, Threat)).Message;

    private sealed class Cheat(Func<Tensor, Tensor> move, Action<Func<Tensor, Tensor>>? meddle = null) : Attack
    {
        public override string Name => "cheat";

        protected override Tensor Search(AttackTarget target, Tensor images, Tensor labels, ThreatModel threat, PointNoise noise)
        {
            meddle?.Invoke(x => target.Logits(x));
            return move(images);
        }
    }
}
