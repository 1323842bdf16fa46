using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using Ard.Trainers.Tests.Fixtures;
using TorchSharp;
using static TorchSharp.torch;

namespace Ard.Trainers.Tests.Objectives;

/// <summary>
/// Two training iterations in float64 of a tiny network with batch normalisation, against the same written down in PyTorch
/// (make_fixtures.py), for every objective: adversarial images, logits, loss, gradients, and in the end weights and running statistics.
/// </summary>
public sealed class TinyRunTests
{
    private static readonly Fixture Recorded = Fixture.Beside("tiny_objectives.safetensors");

    [Theory]
    [InlineData("ard_t30_a1", 12)]
    [InlineData("ard_t4_a05", 12)]
    [InlineData("distillation_t4_a05", 1)]
    [InlineData("adversarial_training", 1)]
    [InlineData("trades", 3)]
    [InlineData("natural", 1)]
    public void Two_iterations_equal_those_written_down_in_PyTorch(string method, long trainForwards)
    {
        using var scope = NewDisposeScope();
        var (student, teacher) = (Network("student."), Network("teacher."));
        teacher.eval();
        var teacherBefore = teacher.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        var objective = Objective(method);
        var recorder = new RecordingNetwork(student);
        recorder.train();
        using var generator = new Generator(0);
        using var optimizer = optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);
        var tracked = student.state_dict()["bn1.num_batches_tracked"].item<long>();
        for (var i = 1; i <= 2; i++)
        {
            recorder.Calls.Clear();
            var noise = Recorded["noise"][i - 1].to(ScalarType.Float64);
            var batch = new TrainingBatch
            {
                Student = recorder,
                Teacher = objective.NeedsTeacher ? teacher : null,
                Images = Recorded.Double("images"),
                Labels = Recorded["labels"],
                Generator = generator,
                StartNoise = method == "trades" ? noise / 20 : noise,
            };
            var loss = objective.Loss(batch);
            optimizer.zero_grad();
            loss.backward();

            var it = $"{method}.it{i}.";
            Assert.Equal(0, loss.dim());
            Assert.True(student.training);
            Assert.Equal(trainForwards, recorder.Calls.Count(call => call.Training));
            Compare.Close(Recorded[it + "loss"], loss, 1e-6, it + "loss");
            Compare.Close(Recorded[it + "logits"], batch.Logits!, 1e-6, it + "logits");
            Assert.False(batch.Logits!.requires_grad);
            if (Recorded.Has(it + "adversarial"))
            {
                // The last but for the clean pass, where there is one.
                var adversarial = recorder.Calls[method == "adversarial_training" ? ^1 : ^2].Input;
                Compare.Close(Recorded[it + "adversarial"], adversarial, 1e-6, it + "adversarial");
            }
            foreach (var (name, parameter) in student.named_parameters())
                Compare.Close(Recorded[$"{it}grad.{name}"], parameter.grad!, 1e-6, $"{it}grad.{name}");
            optimizer.step();
        }
        foreach (var (name, value) in student.state_dict())
            Compare.Close(Recorded[$"{method}.after.{name}"], value, 1e-6, $"{method}.after.{name}");
        Assert.Equal(tracked + 2 * trainForwards, student.state_dict()["bn1.num_batches_tracked"].item<long>());

        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));
        foreach (var (name, value) in teacher.state_dict()) Compare.Same(teacherBefore[name], value, "teacher." + name);
    }

    [Theory]
    [InlineData("ard_t30_a1")]
    [InlineData("distillation_t4_a05")]
    [InlineData("adversarial_training")]
    [InlineData("trades")]
    [InlineData("natural")]
    public void A_step_in_float32_works_and_leaks_no_tensor(string method)
    {
        var objective = Objective(method);
        var (student, teacher) = (Network("student.", ScalarType.Float32), Network("teacher.", ScalarType.Float32));
        teacher.eval();
        using var generator = new Generator(1);
        for (var step = 0; step < 3; step++)
        {
            using var outer = NewDisposeScope();
            using (NewDisposeScope())
            {
                var batch = new TrainingBatch
                {
                    Student = student,
                    Teacher = teacher,
                    Images = Recorded["images"],
                    Labels = Recorded["labels"],
                    Generator = generator,
                };
                student.zero_grad(set_to_none: false);
                objective.Loss(batch).backward();
            }
            // Nothing has escaped the scope of the step but the gradients, which belong to the parameters.
            Assert.Equal(0, outer.DisposablesCount);
        }
        Assert.All(student.parameters(), parameter => Assert.True(parameter.grad!.isfinite().all().item<bool>()));
    }

    private static Objective Objective(string method) => method switch
    {
        "ard_t30_a1" => AdversariallyRobustDistillation.Official(),
        "ard_t4_a05" => AdversariallyRobustDistillation.Official(temperature: 4, alpha: 0.5),
        "distillation_t4_a05" => new Distillation(new() { Alpha = 0.5, Distillation = new() { Temperature = 4 } }),
        "adversarial_training" => new AdversarialTraining(),
        "trades" => new Trades(),
        _ => new Natural(),
    };

    private static TinyBatchNormNetwork Network(string prefix, ScalarType dtype = ScalarType.Float64)
    {
        var network = TinyBatchNormNetwork.Create();
        Weights.Load(network, Recorded.All, prefix);
        return network.to(dtype);
    }
}
