using TorchSharp;

namespace Ard.Bench;

/// <summary>The step of ARD's released code, and its attack, by this library.</summary>
internal sealed class ArdStep(StepFiles files, Device device, bool mixed)
    : StepSide(files, device, NetworkSpec.Parse(files.Network).Build(2), NetworkSpec.Parse("resnet18").Build(1))
{
    private readonly Generator generator = new(3, device);

    public override (double AttackFirst, double? Loss) Attack()
    {
        using var scope = NewDisposeScope();
        using var precision = MixedPrecision.Use(mixed);
        using var state = ModelState.Borrow(Student);
        var loss = new FirstLoss(Student, Labels, scope);
        Pgd.Maximise(loss.Of, Images, Images + Noise, ThreatModel.Linf(8.0 / 255), 2.0 / 255, 10);
        return (loss.First!.item<float>(), null);
    }

    public override (double AttackFirst, double? Loss) Train()
    {
        using var scope = NewDisposeScope();
        using var precision = MixedPrecision.Use(mixed);
        var inner = new FirstLoss(Student, Labels, scope);
        var objective = new AdversariallyRobustDistillation(new() { Inner = new() { Loss = new("first", _ => inner.Of) } });
        Student.train();
        var batch = new TrainingBatch
        {
            Student = Student,
            Teacher = Teacher,
            Images = Images,
            Labels = Labels,
            Generator = generator,
            StartNoise = Noise,
        };
        Student.zero_grad();
        var loss = objective.Loss(batch);
        loss.backward();
        objective.AfterBackward(batch);
        Optimizer.step();
        return (inner.First!.item<float>(), loss.item<float>());
    }

    /// <summary>Cross-entropy with the labels, whose first value is kept.</summary>
    private sealed class FirstLoss(Module<Tensor, Tensor> network, Tensor labels, DisposeScope scope)
    {
        public Tensor? First { get; private set; }

        public Tensor Of(Tensor points)
        {
            var loss = functional.cross_entropy(network.call(points), labels, reduction: Reduction.Sum);
            First ??= loss.detach().MoveToOtherDisposeScope(scope);
            return loss;
        }
    }
}
