using Ard.Trainers.Attacks;
using Ard.Trainers.Networks;
using Ard.Trainers.Objectives;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Bench;

/// <summary>The step of ARD's released code, and its attack, by this library.</summary>
internal sealed class ArdStep : IStepSide
{
    private readonly Module<Tensor, Tensor> student, teacher;
    private readonly Tensor images, labels, noise;
    private readonly Generator generator;
    private readonly string weights;
    private readonly bool mixed;
    private optim.Optimizer optimizer;

    public ArdStep(StepFiles files, Device device, bool mixed)
    {
        (weights, this.mixed) = (files.Student, mixed);
        student = NetworkSpec.Parse(files.Network).Build(2);
        student.load(weights);
        student.to(device);
        teacher = NetworkSpec.Parse("resnet18").Build(1);
        teacher.load(files.Teacher);
        teacher.to(device);
        teacher.eval();
        foreach (var parameter in teacher.parameters()) parameter.requires_grad = false;
        (images, labels, noise) = (files.Read("images").to(device), files.Read("labels").to(device), files.Read("noise").to(device));
        generator = new Generator(3, device);
        optimizer = NewOptimizer();
    }

    public void Reset()
    {
        student.load(weights);
        optimizer.Dispose();
        optimizer = NewOptimizer();
    }

    public (double AttackFirst, double? Loss) Attack()
    {
        using var scope = NewDisposeScope();
        using var precision = MixedPrecision.Use(mixed);
        using var state = ModelState.Borrow(student);
        var loss = new FirstLoss(student, labels, scope);
        Pgd.Maximise(loss.Of, images, images + noise, ThreatModel.Linf(8.0 / 255), 2.0 / 255, 10);
        return (loss.First!.item<float>(), null);
    }

    public (double AttackFirst, double? Loss) Train()
    {
        using var scope = NewDisposeScope();
        using var precision = MixedPrecision.Use(mixed);
        var inner = new FirstLoss(student, labels, scope);
        var objective = new AdversariallyRobustDistillation(new() { Inner = new() { Loss = inner } });
        student.train();
        var batch = new TrainingBatch
        {
            Student = student,
            Teacher = teacher,
            Images = images,
            Labels = labels,
            Generator = generator,
            StartNoise = noise,
        };
        student.zero_grad();
        var loss = objective.Loss(batch);
        loss.backward();
        objective.AfterBackward(batch);
        optimizer.step();
        return (inner.First!.item<float>(), loss.item<float>());
    }

    private optim.Optimizer NewOptimizer() => optim.SGD(student.parameters(), 0.1, momentum: 0.9, weight_decay: 2e-4);

    /// <summary>Cross-entropy with the labels, whose first value is kept.</summary>
    private sealed class FirstLoss(Module<Tensor, Tensor> network, Tensor labels, DisposeScope scope) : InnerLoss
    {
        public Tensor? First { get; private set; }

        public override Func<Tensor, Tensor> Prepare(TrainingBatch batch) => Of;

        public Tensor Of(Tensor points)
        {
            var loss = functional.cross_entropy(network.call(points), labels, reduction: Reduction.Sum);
            First ??= loss.detach().MoveToOtherDisposeScope(scope);
            return loss;
        }
    }
}
