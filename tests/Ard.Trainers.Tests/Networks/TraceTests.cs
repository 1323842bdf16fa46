namespace Ard.Trainers.Tests.Networks;

/// <summary>Networks with the weights of the authors' own runs give the authors' own logits.</summary>
public sealed class TraceTests
{
    private const string Common = "reference/traces/common_batch_and_teacher.safetensors";
    private const string Wrn = "reference/traces/ard_wrn10_1_t30_a1.safetensors";
    private const string MobileNet = "reference/traces/ard_mobilenetv2_t30_a1.safetensors";
    private const string CnnA = "reference/traces/cnn_a_weights.safetensors";

    [SharedFact(Common, Wrn)]
    public void The_teacher_wideresnet_16_1_gives_the_recorded_logits()
    {
        using var scope = NewDisposeScope();
        var common = Safetensors.Read(Shared.Path(Common));
        using var teacher = NetworkSpec.Parse("wideresnet-16-1-sub_block1").Build(seed: 1);
        Weights.Load(teacher, common, "teacher.");
        teacher.eval();
        AssertClose(Safetensors.Read(Shared.Path(Wrn))["it1.teacher_logits"], teacher, common["inputs"]);
    }

    // Students in train mode: batch statistics, so the state of the running ones does not matter.
    [SharedFact(Common, Wrn)]
    public void The_student_wideresnet_10_1_gives_the_recorded_adversarial_and_clean_logits() => Student("wideresnet-10-1-sub_block1", Wrn);

    [SharedFact(Common, MobileNet)]
    public void The_student_mobilenetv2_gives_the_recorded_adversarial_and_clean_logits() => Student("mobilenetv2", MobileNet);

    [SharedFact(CnnA)]
    public void The_names_of_cnn_a_are_those_of_smallcnn()
    {
        using var scope = NewDisposeScope();
        var trace = Safetensors.Read(Shared.Path(CnnA));
        using var network = NetworkSpec.Parse("smallcnn-16").Build(seed: 1);
        Assert.Equal(trace.Keys.Where(name => name.StartsWith("net.")).Order(), network.state_dict().Keys.Order());
    }

    [SharedFact(CnnA, "reference/traces/pgd_fgsm_cnn_a.safetensors")]
    public void Cnn_a_gives_the_recorded_logits_on_the_recorded_adversarial_images()
    {
        using var scope = NewDisposeScope();
        var weights = Safetensors.Read(Shared.Path(CnnA));
        var trace = Safetensors.Read(Shared.Path("reference/traces/pgd_fgsm_cnn_a.safetensors"));
        var spec = NetworkSpec.Parse("smallcnn-16") with
        {
            Mean = Values(weights["normalisation.mean"]),
            Std = Values(weights["normalisation.std"]),
        };
        using var network = spec.Build(seed: 1);
        Weights.Load(network, weights.Where(pair => pair.Key.StartsWith("net.")).ToDictionary());
        network.eval();
        AssertClose(trace["pgd20.logits"].narrow(0, 0, 8), network, trace["pgd20.x_adv_first8"]);
    }

    private static void Student(string name, string file)
    {
        using var scope = NewDisposeScope();
        var common = Safetensors.Read(Shared.Path(Common));
        var trace = Safetensors.Read(Shared.Path(file));
        using var student = NetworkSpec.Parse(name).Build(seed: 1);
        Weights.Load(student, trace, "student.init.");
        AssertClose(trace["it1.adv_logits"], student, trace["it1.x_adv"]);
        AssertClose(trace["it1.clean_logits"], student, common["inputs"]);
    }

    private static void AssertClose(Tensor expected, Module<Tensor, Tensor> network, Tensor images)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            network.to(type);
            var difference = (network.call(images.to(type)) - expected).abs().max().to(ScalarType.Float64).item<double>();
            Assert.True(difference < 2e-5, $"{network.GetName()} in {type}: logits differ by {difference}");
        }
        network.to(ScalarType.Float32);
    }

    private static double[] Values(Tensor tensor) => [.. tensor.data<float>().ToArray().Select(value => (double)value)];
}
